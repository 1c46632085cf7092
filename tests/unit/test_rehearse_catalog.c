/* tools/ekm-rehearse/catalog: records, their file, and files that are none. */
#include "tools/ekm-rehearse/catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"
#include "tools/ekm-rehearse/dice.h"
#include "tools/ekm-rehearse/memory.h"
#include "tools/ekm-rehearse/utf16.h"
#include "tools/ekm-rehearse/value.h"

static kp_span str(const char *text)
{
    return kpb_span_str(text);
}

static void fill(struct rh_catalog *c)
{
    assert_int_equal(rh_catalog_init(c, "sa"), KP_OK);
    struct rh_provider *p = rh_list_add(&c->providers);
    struct rh_credential *r = rh_list_add(&c->credentials);
    struct rh_key *k = rh_list_add(&c->keys);
    struct rh_mapping *m = rh_list_add(&c->mappings);
    assert_true(p && r && k && m);
    p->id = rh_catalog_new_id(c);
    assert_true(rh_put_text(p->name, sizeof p->name, str("Vault \xc3\xa4\"")));
    assert_true(rh_put_text(p->guid, sizeof p->guid, str("g")));
    r->id = rh_catalog_new_id(c);
    r->provider_id = p->id;
    r->has_secret = true;
    assert_true(rh_put_text(r->name, sizeof r->name, str("c")));
    assert_true(rh_put_blob(&r->secret, kpb_span("\0\1\xff", 3)));
    *m = (struct rh_mapping){RH_ADMIN, r->id};
    k->id = rh_catalog_new_id(c);
    k->database_id = RH_MASTER;
    assert_true(rh_put_text(k->name, sizeof k->name, str("Key")));
    assert_true(rh_put_blob(&k->thumb, str("thumb")));
}

static void print(const struct rh_catalog *c, kp_buf *json)
{
    kp_buf_init(json, "test", RH_CATALOG_MAX_LEN);
    assert_int_equal(rh_catalog_print(c, json), KP_OK);
}

static void catalog_comes_back_from_its_file(void **state)
{
    struct rh_catalog c;
    struct rh_catalog back;
    struct kp_error err;
    kp_buf json;

    (void)state;
    fill(&c);
    print(&c, &json);
    assert_int_equal(rh_catalog_read(&back, kp_buf_view(&json), &err), KP_OK);
    assert_int_equal(back.next_id, c.next_id);
    const struct rh_credential *r = rh_find_credential(&back, str("C"));
    assert_non_null(r);
    assert_memory_equal(r, rh_list_at(&c.credentials, 0), sizeof *r);
    assert_non_null(rh_find_provider(&back, str("vault \xc3\xa4\"")));
    kp_buf_clear(&json);
    rh_catalog_clear(&c);
    rh_catalog_clear(&back);
}

static void catalog_finds_by_name_number_and_thumbprint(void **state)
{
    struct rh_catalog c;

    (void)state;
    fill(&c);
    assert_non_null(rh_find_key(&c, RH_MASTER, str("KEY")));
    assert_null(rh_find_key(&c, 7, str("KEY")));
    assert_non_null(rh_key_by_thumb(&c, RH_MASTER, str("thumb")));
    assert_null(rh_key_by_thumb(&c, RH_MASTER, str("Thumb")));
    assert_non_null(rh_provider_by_guid(&c, "g"));
    const struct rh_provider *p = rh_list_at(&c.providers, 0);
    assert_ptr_equal(rh_credential_of(&c, RH_ADMIN, p->id), rh_list_at(&c.credentials, 0));
    assert_null(rh_credential_of(&c, 9, p->id));
    rh_list_remove(&c.credentials, rh_list_at(&c.credentials, 0));
    assert_null(rh_credential_of(&c, RH_ADMIN, p->id));
    rh_catalog_clear(&c);
}

static void catalog_texts_and_bytes_have_bounds(void **state)
{
    char small[4];
    struct rh_blob blob;
    static uint8_t large[RH_BYTES_LEN + 1];

    (void)state;
    assert_true(rh_put_text(small, sizeof small, str("abc")));
    assert_false(rh_put_text(small, sizeof small, str("abcd")));
    assert_false(rh_put_text(small, sizeof small, kpb_span("a\0b", 3)));
    assert_true(rh_put_blob(&blob, kpb_span(large, RH_BYTES_LEN)));
    assert_false(rh_put_blob(&blob, kpb_span(large, sizeof large)));
}

static void catalog_lists_are_bounded(void **state)
{
    struct rh_list list = {.size = sizeof(struct rh_mapping)};
    struct rh_catalog c = {.mappings = list};

    (void)state;
    for (size_t i = 0; i < RH_RECORDS_MAX; i++)
        assert_non_null(rh_list_add(&c.mappings));
    assert_null(rh_list_add(&c.mappings));
    rh_catalog_clear(&c);
}

/* Every byte of a good file altered in turn, every cut: read or refused, never worse. */
static void catalog_damaged_file_is_read_or_refused(void **state)
{
    struct rh_catalog c;
    struct rh_dice dice;
    kp_buf json;

    (void)state;
    rh_dice_seed(&dice, 5);
    fill(&c);
    print(&c, &json);
    for (size_t at = 0; at < json.len; at++) {
        struct rh_catalog back;
        struct kp_error err;
        const uint8_t before = json.ptr[at];

        json.ptr[at] = (uint8_t)rh_dice_roll(&dice, 256);
        kp_status st = rh_catalog_read(&back, kp_buf_view(&json), &err);
        assert_true(st == KP_OK || (st == KP_CONFIG && err.text[0]));
        rh_catalog_clear(&back);
        json.ptr[at] = before;
        st = rh_catalog_read(&back, kpb_span(json.ptr, at), &err);
        assert_true(st == KP_CONFIG || at + 1 >= json.len);
        rh_catalog_clear(&back);
    }
    kp_buf_clear(&json);
    rh_catalog_clear(&c);
}

static void catalog_without_master_is_refused(void **state)
{
    struct rh_catalog c;
    struct rh_catalog back;
    struct kp_error err;
    kp_buf json;

    (void)state;
    fill(&c);
    rh_list_remove(&c.databases, rh_list_at(&c.databases, 0));
    print(&c, &json);
    assert_int_equal(rh_catalog_read(&back, kp_buf_view(&json), &err), KP_CONFIG);
    assert_non_null(strstr(err.text, "master"));
    rh_catalog_clear(&back);
    kp_buf_clear(&json);
    rh_catalog_clear(&c);
}

/* ---- Texts on the wire ---- */

static void utf16_goes_there_and_back(void **state)
{
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91";
    static const uint8_t wide[] = {0x61, 0, 0xe4, 0, 0xac, 0x20, 0x3d, 0xd8, 0x11, 0xdd};
    struct rh_memory m;
    kp_span out;

    (void)state;
    rh_memory_init(&m, 4096);
    assert_int_equal(rh_utf16_from_utf8(str(text), &m, &out), KP_OK);
    assert_int_equal(out.len, sizeof wide);
    assert_memory_equal(out.ptr, wide, sizeof wide);
    assert_int_equal(rh_utf16_to_utf8(out, &m, &out), KP_OK);
    assert_true(kpb_span_eq_str(out, text));
    assert_int_equal(rh_utf16_to_utf8(kpb_span(wide, 3), &m, &out), KP_USAGE);
    assert_int_equal(rh_utf16_to_utf8(kpb_span(wide + 6, 2), &m, &out), KP_USAGE);
    assert_int_equal(rh_utf16_to_utf8(kpb_span(wide + 8, 2), &m, &out), KP_USAGE);
    rh_memory_clear(&m);
}

static void value_converts_as_the_engine_does(void **state)
{
    const struct rh_value text = rh_text("12");
    struct rh_value v;
    struct rh_memory m;
    struct kp_error err;

    (void)state;
    rh_memory_init(&m, 4096);
    assert_int_equal(rh_value_convert(&text, RH_VARBINARY, 0, &m, &v, &err), KP_OK);
    assert_true(kpb_span_eq(v.bytes, kpb_span("1\0002\0", 4)));
    assert_int_equal(rh_value_convert(&v, RH_NVARCHAR, 1, &m, &v, &err), KP_OK);
    assert_true(kpb_span_eq_str(v.bytes, "1"));
    assert_int_equal(rh_value_convert(&text, RH_INT, 0, &m, &v, &err), KP_OK);
    assert_int_equal(v.number, 12);
    const struct rh_value odd = rh_bytes(kpb_span("\1", 1));
    assert_int_equal(rh_value_convert(&odd, RH_NVARCHAR, 0, &m, &v, &err), KP_USAGE);
    assert_int_equal(rh_value_convert(&odd, RH_INT, 0, &m, &v, &err), KP_USAGE);
    rh_memory_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(catalog_comes_back_from_its_file),
        cmocka_unit_test(catalog_finds_by_name_number_and_thumbprint),
        cmocka_unit_test(catalog_texts_and_bytes_have_bounds),
        cmocka_unit_test(catalog_lists_are_bounded),
        cmocka_unit_test(catalog_damaged_file_is_read_or_refused),
        cmocka_unit_test(catalog_without_master_is_refused),
        cmocka_unit_test(utf16_goes_there_and_back),
        cmocka_unit_test(value_converts_as_the_engine_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
