/* Giving an object another access list, for tests on Windows. wine keeps no list from creation. */
#ifndef KP_TESTS_WINDOWS_SET_ACCESS_H
#define KP_TESTS_WINDOWS_SET_ACCESS_H

/* kind: a SE_OBJECT_TYPE. The list comes from descriptor; nothing is inherited. */
void win_set_access(void *handle, int kind, void *descriptor);

#endif /* KP_TESTS_WINDOWS_SET_ACCESS_H */
