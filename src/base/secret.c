/*
 * Secrets. The entropy estimate accepts and refuses the same passwords as the one that users know:
 * log2(base ^ length), where base is the summed size of the classes of characters in use, and
 * length counts a run of equal characters, or of neighbours in a well-known sequence, as two at
 * most. Source: contract "Entropy estimate" (POST /clone, db.password).
 */
#include "base/secret.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>

typedef struct SecretClass {
    const char *characters;
    const char *advice;
} SecretClass;

#define SECRET_MORE_SPECIAL "including more special characters"

/* Characters in none of these count one each. */
static const SecretClass secret_classes[] = {
    {"!@$&*", SECRET_MORE_SPECIAL}, /* those that replace letters */
    {"_-., ", SECRET_MORE_SPECIAL}, /* those that separate words  */
    {"\"#%'()+/:;<=>?[\\]^{|}~", SECRET_MORE_SPECIAL},
    {"abcdefghijklmnopqrstuvwxyz", "using lowercase letters"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "using uppercase letters"},
    {"0123456789", "using numbers"},
};

static const char *const secret_sequences[] = {
    "0123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz",
};

static const char *secret_find(const char *characters, gunichar c)
{
    return c != 0 && c < 0x80 ? strchr(characters, (int)c) : NULL;
}

static bool secret_uses_class(const char *password, const SecretClass *class)
{
    return strpbrk(password, class->characters) != NULL;
}

static bool secret_is_classless(gunichar c)
{
    for (size_t i = 0; i < G_N_ELEMENTS(secret_classes); i++)
        if (secret_find(secret_classes[i].characters, c))
            return false;
    return true;
}

/* How many different characters are in no class. */
static size_t secret_count_others(const gunichar *characters, size_t n)
{
    g_autoptr(GHashTable) others = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < n; i++)
        if (secret_is_classless(characters[i]))
            g_hash_table_add(others, GUINT_TO_POINTER(characters[i]));
    return g_hash_table_size(others);
}

/* What caps drops the third and later characters of a run, in place, and returns the new length. */
static size_t secret_cap_repeats(gunichar *characters, size_t n)
{
    size_t n_kept = 0;

    for (size_t i = 0; i < n; i++)
        if (n_kept < 2 || characters[i] != characters[n_kept - 1] ||
            characters[i] != characters[n_kept - 2])
            characters[n_kept++] = characters[i];
    return n_kept;
}

/*
 * Walks along the sequence from where the password stands, again and again. After each walk one
 * character is kept unseen, so that "xabc" escapes where "abc" does not: a flaw, but the same
 * passwords shall pass.
 */
static size_t secret_cap_sequence(gunichar *characters, size_t n, const char *sequence)
{
    size_t n_kept = 0;
    size_t run = 0;

    for (size_t i = 0; i < n;) {
        for (const char *step = sequence; *step && i < n; step++) {
            run = characters[i] == (gunichar)*step ? run + 1 : 0;
            if (run == 1 || run == 2)
                characters[n_kept++] = characters[i];
            if (run > 0)
                i++;
        }
        if (i < n)
            characters[n_kept++] = characters[i++];
    }
    return n_kept;
}

static size_t secret_cap_sequences(gunichar *characters, size_t n, bool is_reverse)
{
    for (size_t i = 0; i < G_N_ELEMENTS(secret_sequences); i++) {
        g_autofree char *sequence = g_strdup(secret_sequences[i]);

        n = secret_cap_sequence(characters, n, is_reverse ? g_strreverse(sequence) : sequence);
    }
    return n;
}

/* In bytes of UTF-8. */
static size_t secret_effective_length(gunichar *characters, size_t n)
{
    size_t length = 0;

    n = secret_cap_repeats(characters, n);
    n = secret_cap_sequences(characters, n, false);
    n = secret_cap_sequences(characters, n, true);
    for (size_t i = 0; i < n; i++)
        length += (size_t)g_unichar_to_utf8(characters[i], NULL);
    return length;
}

static double secret_entropy_bits(const char *password)
{
    g_autofree char *valid = g_utf8_make_valid(password, -1);
    glong n = 0;
    g_autofree gunichar *characters = g_utf8_to_ucs4_fast(valid, -1, &n);
    size_t base = secret_count_others(characters, (size_t)n);

    for (size_t i = 0; i < G_N_ELEMENTS(secret_classes); i++)
        if (secret_uses_class(password, &secret_classes[i]))
            base += strlen(secret_classes[i].characters);
    if (base == 0)
        return 0;
    return (double)secret_effective_length(characters, (size_t)n) * log2((double)base);
}

/*
 * "using numbers, using uppercase letters or ": each missing class once; "" when none is missing.
 */
static char *secret_advice(const char *password)
{
    g_autoptr(GPtrArray) advice = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(secret_classes); i++) {
        const SecretClass *class = &secret_classes[i];

        if (!secret_uses_class(password, class) &&
            !g_ptr_array_find_with_equal_func(advice, class->advice, g_str_equal, NULL))
            g_ptr_array_add(advice, (gpointer)(uintptr_t) class->advice);
    }
    if (advice->len == 0)
        return g_strdup("");
    g_ptr_array_add(advice, NULL);

    g_autofree char *joined = g_strjoinv(", ", (char **)advice->pdata);

    return g_strconcat(joined, " or ", NULL);
}

char *secret_random(size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const size_t n_letters = sizeof(alphabet) - 1;
    const size_t fair_end = 256 - 256 % n_letters; /* bytes from here on favour some letters */
    char *secret = g_malloc0(n + 1);

    for (size_t i = 0; i < n;) {
        uint8_t byte = 0;

        if (getrandom(&byte, 1, 0) != 1)
            g_error("getrandom failed");
        if (byte < fair_end)
            secret[i++] = alphabet[byte % n_letters];
    }
    return secret;
}

bool secret_equal(const char *a, const char *b)
{
    if (!a || !b)
        return false;

    size_t length = strlen(a);
    volatile unsigned char difference = 0; /* volatile: every byte is looked at */

    if (length != strlen(b))
        return false;
    for (size_t i = 0; i < length; i++)
        difference = (unsigned char)(difference | (a[i] ^ b[i]));
    return difference == 0;
}

Error *secret_check_password(const char *password, double min_bits)
{
    if (secret_entropy_bits(password) >= min_bits)
        return NULL;

    g_autofree char *advice = secret_advice(password);

    return error_new(ERR_INVALID, "insecure password, try %susing a longer password", advice);
}
