/*
 * bench-storage DRIVER DIRECTORY [CLONES] - what a clone and a snapshot cost beside the bare command of
 * the storage, in turns, with 1, 100, 300 … clones of one snapshot in the pool, and what listing
 * them with their sizes costs. The pool is an image file in the directory, and goes again.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "storage/measure.h"
#include "storage/storage.h"
#include "storage_bare.h"

#define REPEATS     15
#define POOL_SIZE   (UINT64_C(4) << 30)
#define FILES       200
#define FILE_BYTES  65536
#define LISTS       5
#define USEC_PER_MS 1000.0

typedef struct Curve {
    const BareStorage *bare;
    PoolSpec spec;
    Pool *pool;
    Manifest clone, snapshot;
    int64_t clones; /* in the pool now */
} Curve;

static const int64_t curve_points[] = {1, 100, 300, 1000};

static void check(Error *e)
{
    if (!e)
        return;
    fprintf(stderr, "bench-storage: %s%s%s\n", e->message, e->detail ? ": " : "",
            e->detail ? e->detail : "");
    exit(EXIT_FAILURE);
}

static double ms_since(int64_t started_us)
{
    return (double)(g_get_monotonic_time() - started_us) / USEC_PER_MS;
}

static gint compare_doubles(gconstpointer a, gconstpointer b)
{
    const double *left = a;
    const double *right = b;

    return (*left > *right) - (*left < *right);
}

static double median(GArray *samples)
{
    g_array_sort(samples, compare_doubles);
    return samples->len ? g_array_index(samples, double, samples->len / 2) : NAN;
}

static void add_sample(GArray *samples, int64_t started_us)
{
    double ms = ms_since(started_us);

    g_array_append_val(samples, ms);
}

/* --- filling --- */

static void fill_golden(Curve *curve)
{
    Manifest golden = {.uid = (char *)(uintptr_t) "golden", .kind = (char *)(uintptr_t) "golden"};
    g_autofree char *bytes = g_malloc(FILE_BYTES);

    check(storage_create_volume(curve->pool, "golden", &golden));
    g_autofree char *data = storage_volume_data(curve->pool, "golden");
    for (int i = 0; i < FILES; i++) {
        g_autofree char *path = g_strdup_printf("%s/%d", data, i);

        for (size_t j = 0; j < FILE_BYTES; j++)
            bytes[j] = (char)g_random_int();
        if (!g_file_set_contents(path, bytes, FILE_BYTES, NULL))
            check(error_new(ERR_EXTERNAL, "cannot write \"%s\"", path));
    }
    check(storage_sync(curve->pool, "golden"));
    check(storage_snapshot(curve->pool, "golden", "base", &curve->snapshot));
}

static void make_clones(Curve *curve, int64_t count)
{
    for (; curve->clones < count; curve->clones++) {
        g_autofree char *name = g_strdup_printf("c%" G_GINT64_FORMAT, curve->clones);

        check(storage_clone(curve->pool, "base", name, &curve->clone));
    }
}

/* --- one point of the curve --- */

static void measure_clones(Curve *curve, GArray *ours, GArray *bare)
{
    const char *mount = curve->spec.mount;
    int64_t started_us = g_get_monotonic_time();

    check(storage_clone(curve->pool, "base", "ours", &curve->clone));
    add_sample(ours, started_us);
    started_us = g_get_monotonic_time();
    check(curve->bare->clone(mount, "base", "bare"));
    add_sample(bare, started_us);
    check(curve->bare->destroy(mount, "bare"));
    check(storage_destroy_volume(curve->pool, "ours"));
}

static void measure_snapshots(Curve *curve, GArray *ours, GArray *bare)
{
    const char *mount = curve->spec.mount;
    int64_t started_us = g_get_monotonic_time();

    check(storage_snapshot(curve->pool, "c0", "ours", &curve->snapshot));
    add_sample(ours, started_us);
    started_us = g_get_monotonic_time();
    check(curve->bare->snapshot(mount, "c0", "bare"));
    add_sample(bare, started_us);
    check(curve->bare->destroy_snapshot(mount, "c0", "bare"));
    check(storage_destroy_snapshot(curve->pool, "ours"));
}

static void measure_pairs(Curve *curve, const char *what,
                          void (*measure)(Curve *, GArray *, GArray *))
{
    g_autoptr(GArray) ours = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) bare = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) ratios = g_array_new(FALSE, FALSE, sizeof(double));

    for (int i = 0; i < REPEATS; i++) {
        measure(curve, ours, bare);
        double ratio = g_array_index(ours, double, i) / g_array_index(bare, double, i);
        g_array_append_val(ratios, ratio);
    }
    printf("| %-8s | %6" G_GINT64_FORMAT " | %9.1f | %9.1f | %5.2f |\n", what, curve->clones,
           median(ours), median(bare), median(ratios));
    fflush(stdout);
}

/* --- listing --- */

static void list_sizes(Curve *curve)
{
    for (int64_t i = 0; i < curve->clones; i++) {
        g_autofree char *name = g_strdup_printf("c%" G_GINT64_FORMAT, i);
        uint64_t bytes = 0;
        bool is_exact = false;

        check(storage_diff_bytes(curve->pool, name, &bytes, &is_exact));
    }
}

/* Sizes may be kept for a second: each time is the first after that. */
static void measure_list(Curve *curve)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GArray) program = g_array_new(FALSE, FALSE, sizeof(double));

    for (int i = 0; i < LISTS; i++) {
        g_usleep(G_USEC_PER_SEC + G_USEC_PER_SEC / 10);
        int64_t started_us = g_get_monotonic_time();
        list_sizes(curve);
        add_sample(all, started_us);
        if (!curve->bare->list)
            continue;
        started_us = g_get_monotonic_time();
        check(curve->bare->list(curve->spec.mount));
        add_sample(program, started_us);
    }
    printf("sizes of %" G_GINT64_FORMAT " clones: %.1f ms", curve->clones, median(all));
    if (curve->bare->list)
        printf(", of which %.1f ms are the storage's program (run alone)", median(program));
    printf("\n");
}

/* --- all of it --- */

static void run(Curve *curve, int64_t most)
{
    fill_golden(curve);
    printf("driver %s: Ramet against %s, medians of %d in turns, %d files\n\n", curve->spec.driver,
           curve->bare->words, REPEATS, FILES);
    printf("| what     | clones | Ramet, ms | bare, ms  | ratio |\n");
    printf("|----------|--------|-----------|-----------|-------|\n");
    for (size_t i = 0; i < G_N_ELEMENTS(curve_points) && curve_points[i] <= most; i++) {
        make_clones(curve, curve_points[i]);
        measure_pairs(curve, "clone", measure_clones);
        measure_pairs(curve, "snapshot", measure_snapshots);
    }
    printf("\n");
    measure_list(curve);
}

static Manifest manifest(const char *kind)
{
    return (Manifest){.uid = (char *)(uintptr_t) "bench",
                      .kind = (char *)(uintptr_t)kind,
                      .id = (char *)(uintptr_t) "bench",
                      .pg_major = 15};
}

int main(int argc, char **argv)
{
    const BareStorage *bare = argc > 2 ? bare_storage_find(argv[1]) : NULL;
    int64_t most = 1000;

    if (!bare || argc > 4) {
        fprintf(stderr, "usage: bench-storage DRIVER DIRECTORY [CLONES]\n");
        return EXIT_FAILURE;
    }
    if (argc == 4)
        check(text_parse_int(argv[3], 1, 1000, &most));

    g_autofree char *mount = g_build_filename(argv[2], "bench", NULL);
    g_autofree char *image = g_strconcat(mount, ".img", NULL);
    Curve curve = {.bare = bare,
                   .spec = {.name = "bench",
                            .mount = mount,
                            .image = image,
                            .driver = argv[1],
                            .data_sub_dir = "data",
                            .owner = "nobody"},
                   .clone = manifest("clone"),
                   .snapshot = manifest("snapshot")};

    check(storage_create_pool(&curve.spec, POOL_SIZE));
    check(storage_open_pool(&curve.spec, &curve.pool));
    run(&curve, most);
    storage_close_pool(curve.pool);
    check(storage_destroy_pool(&curve.spec, true));
    return EXIT_SUCCESS;
}
