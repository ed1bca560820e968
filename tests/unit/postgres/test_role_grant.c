/*
 * Memberships: each after the one that makes its grantor an admin.
 */
#include "postgres/role_grant.h"

static void add(GPtrArray *grants, RoleGrant grant)
{
    g_ptr_array_add(grants, g_memdup2(&grant, sizeof(grant)));
}

/* "role>member by grantor", in their order. */
static char *written(const GPtrArray *grants)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < grants->len; i++) {
        const RoleGrant *grant = grants->pdata[i];
        g_string_append_printf(text, "%s%s>%s", i ? ", " : "", grant->role, grant->member);
        if (grant->grantor)
            g_string_append_printf(text, " by %s", grant->grantor);
    }
    return g_string_free(text, FALSE);
}

static void test_admins_come_first(void)
{
    g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);

    add(grants, (RoleGrant){.role = "r", .member = "a", .grantor = "b"});
    add(grants, (RoleGrant){.role = "r", .member = "b", .grantor = "c", .is_admin = true});
    add(grants, (RoleGrant){.role = "r", .member = "c", .is_admin = true});
    add(grants, (RoleGrant){.role = "s", .member = "a"});
    role_grants_order(grants);
    g_autofree char *text = written(grants);
    g_assert_cmpstr(text, ==, "r>c, s>a, r>b by c, r>a by b");
}

/* An older server's grantor may have lost the right, or be in a circle. */
static void test_superuser_stands_in(void)
{
    g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);

    add(grants, (RoleGrant){.role = "r", .member = "a", .grantor = "b", .is_admin = true});
    add(grants, (RoleGrant){.role = "r", .member = "b", .grantor = "a", .is_admin = true});
    add(grants, (RoleGrant){.role = "r", .member = "c"});
    role_grants_order(grants);
    g_autofree char *text = written(grants);
    g_assert_cmpstr(text, ==, "r>c, r>b, r>a");
}

/* An admin of one role is none of another, however the names run together. */
static void test_names_are_apart(void)
{
    g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);

    add(grants, (RoleGrant){.role = "ab", .member = "c", .is_admin = true});
    add(grants, (RoleGrant){.role = "a", .member = "x", .grantor = "bc"});
    role_grants_order(grants);
    g_autofree char *text = written(grants);
    g_assert_cmpstr(text, ==, "ab>c, a>x");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/role_grant/admins-come-first", test_admins_come_first);
    g_test_add_func("/role_grant/superuser-stands-in", test_superuser_stands_in);
    g_test_add_func("/role_grant/names-are-apart", test_names_are_apart);
    return g_test_run();
}
