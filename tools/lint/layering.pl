#!/usr/bin/env perl
# Holds the walls between the rooms: who may include what, which calls nobody makes, how wide a line is.
# usage: layering.pl FILE...   (paths from the root of the project)
use strict;
use warnings;

my %c_headers = map { ("$_.h" => 1) } qw(
  assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign
  stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar
  wchar wctype);

# Headers that come with every toolchain that asks for them.
my %compiler_headers = map { $_ => 1 } qw(intrin.h sanitizer/asan_interface.h);

# Third-party headers, by the name their library has here.
my %third_party = (
    uv      => qr{^uv(/.*)?\.h$},
    curl    => qr{^curl/},
    openssl => qr{^openssl/},
    jansson => qr{^jansson(_config)?\.h$},
    cmocka  => qr{^cmocka\.h$},
    nghttp2 => qr{^nghttp2/},
    event   => qr{^event2/},
    p11     => qr{^p11-kit/pkcs11\.h$},
);

# Rooms by path, first match wins. ours: folders whose headers it may include; libs: third party;
# system: may include headers of the platform outside a posix_, linux_ or win_ twin.
my @rooms = (
    { path => qr{^include/}, ours => [], libs => [] },
    { path => qr{^base/},    ours => ['base'], libs => [] },
    { path => qr{^crypto/},  ours => [ 'base', 'crypto' ], libs => ['openssl'] },
    { path => qr{^core/},
      ours => [ 'base', 'crypto', 'core' ], libs => [qw(uv curl openssl jansson nghttp2)] },
    { path => qr{^plugins/(?:azure-[^/]*|managed-hsm)/},
      ours => [ 'base', 'crypto', 'plugins/azure-rest', 'SELF' ], libs => [qw(openssl jansson)] },
    { path => qr{^plugins/},
      ours => [ 'base', 'crypto', 'SELF' ], libs => [qw(openssl jansson)] },
    { path => qr{^ekm/keys/},
      ours => [ 'base', 'crypto', 'SELF', 'core/trust.h' ], libs => ['jansson'] },
    { path => qr{^ekm/},
      ours => [ 'base', 'ekm', 'crypto/init.h', 'core/trust.h' ], libs => [qw(openssl jansson)] },
    { path => qr{^cli/},
      ours => [ 'base', 'cli', 'ekm/keys', 'ekm/win_event.h', 'core/trust.h' ],
      libs => [qw(uv curl openssl jansson)] },
    { path => qr{^bench/yardsticks/},
      ours => [ 'base', 'bench' ], libs => [qw(uv curl openssl jansson nghttp2)], system => 1 },
    { path => qr{^bench/}, ours => [ 'base', 'bench' ], libs => ['jansson'], system => 1 },
    { path => qr{^examples/plugin-pkcs11/}, ours => ['SELF'], libs => ['p11'], system => 1 },
    { path => qr{^examples/}, ours => ['SELF'], libs => [], system => 1 },
    { path => qr{^tests/},
      ours => [qw(base crypto core plugins ekm tests support cli tools)], libs => [ keys %third_party ],
      system => 1 },
    { path => qr{^tools/ekm-rehearse/},
      ours => [qw(base crypto ekm SELF)], libs => ['jansson'], system => 1 },
    { path => qr{^tools/},
      ours => [qw(base crypto core plugins ekm tools)], libs => [ keys %third_party ], system => 1 },
);

# Calls with an unbounded, unsafe or unobservable side; a reason each, so that the message can say it.
my %banned = (
    (map { $_ => 'has no bound; use kp_buf or snprintf' } qw(strcpy strcat sprintf vsprintf gets)),
    strtok  => 'keeps hidden state; use spans',
    alloca  => 'has no bound; use kpb_alloc',
    system  => 'runs a shell',
    popen   => 'runs a shell',
    tmpnam  => 'races; use mkstemp',
    mktemp  => 'races; use mkstemp',
);
my %allocator = map { $_ => 'goes past base/mem.h' } qw(malloc calloc realloc free strdup strndup);
my %ending = map { $_ => 'would take the host process down' }
  qw(abort exit _exit quick_exit longjmp raise);

my %shared_state = map { $_ => 'works on state that all threads share' }
  qw(localtime gmtime asctime ctime rand srand setenv putenv unsetenv setlocale getpwnam getpwuid
  getgrnam getgrgid signal umask chdir);

my $n_findings = 0;

sub finding
{
    my ($file, $line, $text) = @_;
    print STDERR "$file:$line: $text\n";
    $n_findings++;
}

# Blanks comments, strings and character constants; line breaks stay where they are.
sub blank_text
{
    my ($text) = @_;
    $text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
              {my $t = $1; $t =~ s/[^\n]/ /g; $t}gse;
    return $text;
}

sub room_of
{
    my ($file) = @_;
    for my $room (@rooms) {
        return $room if $file =~ $room->{path};
    }
    return undef;
}

sub folder_of
{
    my ($file) = @_;
    $file =~ s{/[^/]*$}{};
    return $file;
}

# Why this file may not include that header, or nothing.
sub include_objection
{
    my ($file, $room, $kind, $name) = @_;
    if ($kind eq '"') {
        return "include it from the root of the project, as \"folder/name.h\""
          if $name !~ m{/} && $file !~ m{^examples/};
        for my $folder (@{ $room->{ours} }) {
            my $allowed = $folder eq 'SELF' ? folder_of($file) : $folder;
            return if $name eq $allowed; # one header of another room, not all of it
            return if $name =~ m{^\Q$allowed\E/} || ($folder eq 'SELF' && $name !~ m{/});
        }
        return 'this room may not use that one';
    }
    return if $name =~ m{^keyprovider/[^/]+\.h$};
    return if $c_headers{$name} || $compiler_headers{$name};
    for my $lib (sort keys %third_party) {
        next if $name !~ $third_party{$lib};
        return if grep { $_ eq $lib } @{ $room->{libs} };
        return "this room does not use $lib";
    }
    return if $room->{system} || $file =~ m{/(?:posix|linux|win)_[^/]*$};
    return 'headers of one platform belong in a posix_, linux_ or win_ file';
}

sub check_includes
{
    my ($file, $room, $text) = @_;
    while ($text =~ m{^\h*#\h*include\h+(["<])([^">]+)[">]}gm) {
        my ($kind, $name) = ($1, $2);
        my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
        my $objection = include_objection($file, $room, $kind, $name);
        finding($file, $line, "includes $name: $objection") if $objection;
    }
}

# The calls that this file must not make.
sub banned_in
{
    my ($file) = @_;
    my %calls = %banned;
    # base/mem.c is the door to the heap and the arena what stands behind it; the rest is no product.
    %calls = (%calls, %allocator)
      if $file !~ m{^(?:base/mem\.c$|core/arena\.c$|bench/|tests/|examples/|tools/)};
    %calls = (%calls, %ending, %shared_state)
      if $file =~ m{^(?:include|base|crypto|core|plugins|ekm)/};
    return %calls;
}

sub check_calls
{
    my ($file, $code) = @_;
    my %calls = banned_in($file);
    my $names = join '|', sort keys %calls;
    while ($code =~ m{(?<![\w.>])($names)\s*\(}g) {
        my $line = 1 + (substr($code, 0, $-[0]) =~ tr/\n//);
        finding($file, $line, "calls $1, which $calls{$1}");
    }
}

# The core knows no vault by name.
sub check_names
{
    my ($file, $code) = @_;
    return if $file !~ m{^core/};
    while ($code =~ m{\b((?:ft|akv|mhsm|azr)_\w+)}g) {
        my $line = 1 + (substr($code, 0, $-[0]) =~ tr/\n//);
        finding($file, $line, "names $1: the core knows no plugin");
    }
}

sub check_lines
{
    my ($file, $text) = @_;
    my $line = 0;
    for (split /\n/, $text) {
        $line++;
        my $copy = $_;
        utf8::decode($copy);
        finding($file, $line, 'wider than 100 columns (comments: tools/lint/wrap FILE)') if length($copy) > 100;
        finding($file, $line, 'has a tab') if $copy =~ /\t/;
        finding($file, $line, 'ends in blanks') if $copy =~ /\s$/;
    }
}

sub check_guard
{
    my ($file, $text) = @_;
    return if $file !~ /\.h$/;
    finding($file, 1, 'has no guard KP_..._H')
      if $text !~ m{^#ifndef (KP_\w+_H)\n#define \1\n}m || $text !~ m{^#endif /\* $1 \*/\s*\z}m;
}

for my $file (@ARGV) {
    my $room = room_of($file);
    if (!$room) {
        finding($file, 1, 'belongs to no known room; see tools/lint/layering.pl');
        next;
    }
    open my $handle, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$handle> };
    close $handle;
    my $code = blank_text($text);
    check_includes($file, $room, $text);
    check_calls($file, $code);
    check_names($file, $code);
    check_lines($file, $text);
    check_guard($file, $text);
}
exit($n_findings ? 1 : 0);
