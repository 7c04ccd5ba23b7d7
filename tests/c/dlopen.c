/* Guards against a library that crashes a host which loads it at run time and lets it go: threads must be
   gone or the code they run must stay. Not linked to the library. Usage: dlopen LIBRARY DIR */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ons.h"

#define ROUNDS 100
#define SECONDS_MAX 20

static void want(int holds, const char *what) {
    if (!holds) {
        fprintf(stderr, "%s: %s\n", what, dlerror());
        abort();
    }
}

static void *library;

/* C89 has no cast between data and function pointers; POSIX says that they look the same. */
static void find(const char *name, void *function) {
    void *symbol = dlsym(library, name);
    want(symbol != NULL, name);
    memcpy(function, &symbol, sizeof(symbol));
}

static void use(const char *dir, int shut_down) {
    ons_status (*new_settings)(ons_factory_property **, ons_error **);
    ons_status (*set)(ons_factory_property *, const char *, size_t, const char *, size_t, ons_error **);
    ons_status (*new_producer)(const ons_factory_property *, ons_producer **, ons_error **);
    ons_status (*start)(ons_producer *, ons_error **);
    ons_status (*new_message)(const char *, size_t, const char *, size_t, const char *, size_t,
                              const uint8_t *, size_t, ons_message **, ons_error **);
    ons_status (*send)(const ons_producer *, ons_message *, ons_send_result **, ons_error **);
    void (*free_settings)(ons_factory_property *);
    void (*free_message)(ons_message *);
    void (*free_producer)(ons_producer *);
    ons_factory_property *settings = NULL;
    ons_producer *producer = NULL;
    ons_message *message = NULL;
    char address[4096];
    find("ons_factory_property_new", &new_settings);
    find("ons_factory_property_set", &set);
    find("ons_factory_property_free", &free_settings);
    find("ons_producer_new", &new_producer);
    find("ons_producer_start", &start);
    find("ons_producer_send", &send);
    find("ons_producer_free", &free_producer);
    find("ons_message_new_with", &new_message);
    find("ons_message_free", &free_message);
    sprintf(address, "embedded:%s", dir);
    want(new_settings(&settings, NULL) == ONS_OK, "settings");
    want(set(settings, "ONSAddr", 7, address, strlen(address), NULL) == ONS_OK, "address");
    want(set(settings, "ProducerId", 10, "GID_test", 8, NULL) == ONS_OK, "id");
    want(new_producer(settings, &producer, NULL) == ONS_OK, "producer");
    want(start(producer, NULL) == ONS_OK, "start");
    want(new_message("test", 4, "tag", 3, NULL, 0, (const uint8_t *)"body", 4, &message, NULL) == ONS_OK,
         "message");
    want(send(producer, message, NULL, NULL) == ONS_OK, "send");
    free_message(message);
    free_settings(settings);
    if (shut_down) {
        free_producer(producer);
    }
}

static int entries_of(const char *path) {
    DIR *dir = opendir(path);
    int count = 0;
    want(dir != NULL, path);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

/* A joined thread is still listed for an instant. */
static void only_this_thread_is_left(void) {
    time_t deadline = time(NULL) + SECONDS_MAX;
    while (entries_of("/proc/self/task") != 3) {
        want(time(NULL) < deadline, "a thread is left behind");
        sched_yield();
    }
}

/* What the library had called at a fork must not point to where it was. */
static void fork_once(void) {
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    want(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child of a fork ends");
}

int main(int argc, char **argv) {
    int round;
    int descriptors = 0;
    want(argc == 3, "arguments");
    for (round = 1; round <= ROUNDS; round++) {
        library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        want(library != NULL, "dlopen");
        /* The last round lets the library go while its threads run. */
        use(argv[2], round < ROUNDS);
        want(dlclose(library) == 0, "dlclose");
        fork_once();
        if (round < ROUNDS) {
            only_this_thread_is_left();
            /* The log file of the library stays open from the first round on. */
            descriptors = round == 1 ? entries_of("/proc/self/fd") : descriptors;
            want(entries_of("/proc/self/fd") == descriptors, "a descriptor is left behind");
        }
    }
    printf("prove: dlopen, use, dlclose: %d times, left behind: 0 threads, 0 descriptors\n", ROUNDS);
    return 0;
}
