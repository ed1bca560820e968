/*
 * Quotas by the kernel's own calls: libbtrfsutil knows none that tell what is used.
 */
#include "storage/btrfs/quota.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

/* BTRFS_QUOTA_CTL_ENABLE_SIMPLE_QUOTA of Linux 6.7: the system's headers may be older. */
#define QUOTA_CTL_ENABLE_SIMPLE 4
#define QUOTA_ACCOUNTS_PER_CALL 128

/* An entry of the quota tree as the search returns it; the kernel packs both parts. */
typedef struct QuotaEntry {
    struct btrfs_ioctl_search_header header;
    struct btrfs_qgroup_info_item info;
} __attribute__((packed)) QuotaEntry;

typedef struct QuotaAccount {
    uint64_t subvolume_id;
    uint64_t bytes;
} QuotaAccount;

Error *btrfs_quota_enable(int mount_fd)
{
    struct btrfs_ioctl_quota_ctl_args args = {.cmd = QUOTA_CTL_ENABLE_SIMPLE};

    if (ioctl(mount_fd, BTRFS_IOC_QUOTA_CTL, &args) < 0)
        return error_errno(errno, "could not enable simple quotas");
    return NULL;
}

/*
 * The accounts of subvolumes first..last, in order, as many as fit one call. The account of a
 * subvolume is the item (0, QGROUP_INFO, its id). Not more are asked for than there can be: looking
 * for one more, the kernel goes through the rest of the node.
 */
static Error *btrfs_quota_search(int mount_fd, uint64_t first, uint64_t last, GArray *accounts)
{
    uint32_t n_accounts = (uint32_t)MIN(last - first, QUOTA_ACCOUNTS_PER_CALL - 1) + 1;
    size_t space = n_accounts * sizeof(QuotaEntry);
    g_autofree struct btrfs_ioctl_search_args_v2 *search = g_malloc0(sizeof(*search) + space);

    search->buf_size = space;
    search->key = (struct btrfs_ioctl_search_key){
        .tree_id = BTRFS_QUOTA_TREE_OBJECTID,
        .min_type = BTRFS_QGROUP_INFO_KEY,
        .max_type = BTRFS_QGROUP_INFO_KEY,
        .min_offset = first,
        .max_offset = last,
        .max_transid = UINT64_MAX,
        .nr_items = n_accounts,
    };
    if (ioctl(mount_fd, BTRFS_IOC_TREE_SEARCH_V2, search) < 0)
        return errno == ENOENT ? error_new(ERR_NOT_FOUND, "the file system has no quotas")
                               : error_errno(errno, "could not read quotas");

    const QuotaEntry *entries = (const QuotaEntry *)search->buf;

    g_array_set_size(accounts, 0);
    for (size_t i = 0; i < search->key.nr_items; i++) {
        QuotaAccount account = {entries[i].header.offset, le64toh(entries[i].info.excl)};

        g_array_append_val(accounts, account);
    }
    return NULL;
}

Error *btrfs_quota_read(int mount_fd, uint64_t subvolume_id, uint64_t *ret_bytes)
{
    g_autoptr(GArray) accounts = g_array_new(FALSE, FALSE, sizeof(QuotaAccount));

    TRY(btrfs_quota_search(mount_fd, subvolume_id, subvolume_id, accounts));
    if (accounts->len == 0)
        return error_new(ERR_NOT_FOUND, "subvolume %" G_GUINT64_FORMAT " has no quota account",
                         subvolume_id);
    *ret_bytes = g_array_index(accounts, QuotaAccount, 0).bytes;
    return NULL;
}

Error *btrfs_quota_limit(int fd, uint64_t bytes)
{
    struct btrfs_ioctl_qgroup_limit_args args = {
        .lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_EXCL,
                .max_excl = bytes > 0 ? bytes : UINT64_MAX}, /* which takes a limit away */
    };

    if (ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) == 0)
        return NULL;
    if (errno == ENOTCONN || errno == ENOENT || errno == EINVAL)
        return error_new(ERR_NOT_FOUND, "the file system has no quotas");
    return error_errno(errno, "could not set a quota");
}

/* A living subvolume has at least its root node charged, and the kernel refuses with EBUSY. */
static Error *btrfs_quota_remove(int mount_fd, uint64_t subvolume_id)
{
    struct btrfs_ioctl_qgroup_create_args args = {.create = 0, .qgroupid = subvolume_id};

    if (ioctl(mount_fd, BTRFS_IOC_QGROUP_CREATE, &args) < 0 && errno != EBUSY && errno != ENOENT)
        return error_errno(errno,
                           "could not remove the quota account of subvolume %" G_GUINT64_FORMAT,
                           subvolume_id);
    return NULL;
}

typedef Error *(*QuotaEach)(int mount_fd, const QuotaAccount *account, void *data);

static Error *btrfs_quota_each(int mount_fd, QuotaEach each, void *data)
{
    g_autoptr(GArray) accounts = g_array_new(FALSE, FALSE, sizeof(QuotaAccount));
    uint64_t first = BTRFS_FIRST_FREE_OBJECTID;

    do {
        TRY(btrfs_quota_search(mount_fd, first, BTRFS_LAST_FREE_OBJECTID, accounts));
        for (guint i = 0; i < accounts->len; i++) {
            QuotaAccount account = g_array_index(accounts, QuotaAccount, i);

            TRY(each(mount_fd, &account, data));
            first = account.subvolume_id + 1;
        }
    } while (accounts->len > 0);
    return NULL;
}

static Error *quota_remove_empty(int mount_fd, const QuotaAccount *account, void *data)
{
    return account->bytes == 0 ? btrfs_quota_remove(mount_fd, account->subvolume_id) : NULL;
}

Error *btrfs_quota_collect(int mount_fd)
{
    return btrfs_quota_each(mount_fd, quota_remove_empty, NULL);
}

static Error *quota_add(int mount_fd, const QuotaAccount *account, void *data)
{
    *(uint64_t *)data += account->bytes;
    return NULL;
}

Error *btrfs_quota_sum(int mount_fd, uint64_t *ret_bytes)
{
    uint64_t bytes = 0;

    TRY(btrfs_quota_each(mount_fd, quota_add, &bytes));
    *ret_bytes = bytes;
    return NULL;
}
