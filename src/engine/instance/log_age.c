/*
 * Ages of logs. A file that somebody has broken reads as one that knows less: lines stay longer.
 */
#include "engine/instance/log_age.h"

static int64_t log_age_part(const json_t *mark, size_t part)
{
    return json_integer_value(json_array_get(mark, part));
}

/* Of one log; made when it is missing. */
static json_t *log_age_marks(json_t *ages, const char *name)
{
    json_t *marks = json_object_get(ages, name);

    if (!json_is_array(marks)) {
        marks = json_array();
        json_object_set_new(ages, name, marks);
    }
    return marks;
}

bool log_age_note(json_t *ages, const char *name, int64_t day, int64_t size)
{
    bool is_known = json_is_array(json_object_get(ages, name));
    json_t *marks = log_age_marks(ages, name);
    const json_t *last = json_array_get(marks, json_array_size(marks) - 1);

    if (last && log_age_part(last, 1) > size) { /* it was begun anew */
        json_array_clear(marks);
        is_known = false;
        last = NULL;
    }
    if (last && log_age_part(last, 0) >= day)
        return false;
    json_array_append_new(marks,
                          json_pack("[II]", (json_int_t)day, (json_int_t)(is_known ? size : 0)));
    return true;
}

int64_t log_age_offset(const json_t *ages, const char *name, int64_t before_day)
{
    int64_t offset = 0;
    size_t i;
    json_t *mark;

    json_array_foreach (json_object_get(ages, name), i, mark)
        if (log_age_part(mark, 0) <= before_day && log_age_part(mark, 1) > offset)
            offset = log_age_part(mark, 1);
    return offset;
}

void log_age_forget(json_t *ages, const char *name, int64_t before_day)
{
    json_t *marks = json_object_get(ages, name);

    while (json_array_size(marks) > 0 && log_age_part(json_array_get(marks, 0), 0) <= before_day)
        json_array_remove(marks, 0);
}
