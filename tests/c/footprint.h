/* What a process takes: threads, descriptors, memory, and how that grows over many cycles. */
#ifndef FOOTPRINT_H
#define FOOTPRINT_H

long descriptors(void);
long resident_kib(void);
/* Bytes that were allocated and not freed; 0 where the C library does not tell. */
double heap_bytes(void);

/* Waits until no thread but the calling one is listed; a joined thread still is for an instant. */
void only_this_thread_is_left(void);

/* An amount of memory over cycles, fitted by a straight line. */
struct growth {
    double count;
    double sum_x;
    double sum_y;
    double sum_xx;
    double sum_xy;
};

void growth_add(struct growth *growth, double cycle, double bytes);
/* Bytes that a cycle adds, as the line has it. */
double growth_bytes_a_cycle(const struct growth *growth);

#endif
