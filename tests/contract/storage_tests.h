/*
 * The parts of the storage contract's test suite; each adds its tests.
 */
#pragma once

void storage_add_verb_tests(void);     /* create, snapshot, clone, destroy, list, measure */
void storage_add_pool_tests(void);     /* pools come, go and survive accidents */
void storage_add_care_tests(void);     /* one server, one place, growing */
void storage_add_load_tests(void);     /* many, at once, and a full pool */
void storage_add_mark_tests(void);     /* what an undo may destroy */
void storage_add_accident_tests(void); /* programs that fail, death between two of them */
void storage_add_looking_tests(void);  /* a doctor beside a server */
void storage_add_hostile_tests(void);  /* what strangers leave in their data */
void storage_add_zfs_tests(void);      /* what can befall ZFS alone */
void storage_add_lvm_tests(void);      /* what can befall LVM alone */
