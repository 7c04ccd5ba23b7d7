/* What a process takes: see footprint.h. */
#define _POSIX_C_SOURCE 200809L

#include "footprint.h"

#include "check.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define SECONDS_MAX 20

static long entries_of(const char *path) {
    DIR *dir = opendir(path);
    long count = 0;
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

long descriptors(void) { return entries_of("/proc/self/fd"); }

long resident_kib(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "VmRSS: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(file);
    CHECK(kib > 0);
    return kib;
}

void only_this_thread_is_left(void) {
    time_t deadline = time(NULL) + SECONDS_MAX;
    /* Beside "." and "..". */
    while (entries_of("/proc/self/task") != 3) {
        CHECK(time(NULL) < deadline);
        sched_yield();
    }
}

double heap_bytes(void) {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();
    return (double)info.uordblks + (double)info.hblkhd;
#else
    return 0;
#endif
}

void growth_add(struct growth *growth, double cycle, double bytes) {
    growth->count += 1;
    growth->sum_x += cycle;
    growth->sum_y += bytes;
    growth->sum_xx += cycle * cycle;
    growth->sum_xy += cycle * bytes;
}

double growth_bytes_a_cycle(const struct growth *growth) {
    double spread = growth->count * growth->sum_xx - growth->sum_x * growth->sum_x;
    CHECK(spread > 0);
    return (growth->count * growth->sum_xy - growth->sum_x * growth->sum_y) / spread;
}
