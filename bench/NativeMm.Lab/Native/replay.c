/* The native yardstick: performs a recorded allocation trace in recorded order on one thread, against the malloc that is linked or
   preloaded. Same work as the lab's own replay: every block's first and last byte is written, what the trace leaves behind is freed
   outside the clock. Usage: replay TRACE ROUNDS SECONDS CORE; TRACE is not compressed; CORE is -1 to stay unpinned.
   Prints two numbers: nanoseconds a record in the best round, and the peak resident bytes of the first ROUNDS rounds above the loaded
   trace. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ALLOCATE, ALLOCATE_ZEROED, RELEASE, REALLOCATE };

struct trace_record {
    uint8_t operation;
    uint8_t thread;
    uint16_t alignment_log2;
    uint32_t object;
    uint64_t size;
};

struct trace {
    const struct trace_record *records;
    uint32_t record_count;
    uint32_t object_count;
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads a line such as "VmHWM:  1024 kB" of the process's status without the C library's buffers, which would be measured too. */
static uint64_t status_bytes(const char *key)
{
    char text[8192];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return 0;
    }

    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) {
        return 0;
    }

    text[length] = 0;
    const char *line = strstr(text, key);
    return line ? strtoull(line + strlen(key), NULL, 10) * 1024 : 0;
}

static int load(const char *path, struct trace *trace)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &status) != 0 || status.st_size < 32) {
        return -1;
    }

    const char *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED || memcmp(bytes, "NMTRACE1", 8) != 0) {
        return -1;
    }

    memcpy(&trace->record_count, bytes + 8, sizeof trace->record_count);
    memcpy(&trace->object_count, bytes + 12, sizeof trace->object_count);
    trace->records = (const struct trace_record *)(const void *)(bytes + 32);
    return (uint64_t)status.st_size >= 32 + (uint64_t)trace->record_count * sizeof(struct trace_record) ? 0 : -1;
}

static double play(const struct trace *trace, unsigned char **slots)
{
    double start = seconds_now();
    for (uint32_t i = 0; i < trace->record_count; i++) {
        const struct trace_record *record = &trace->records[i];
        unsigned char **slot = &slots[record->object];
        unsigned char *block;
        switch (record->operation) {
        case ALLOCATE:
            block = record->alignment_log2 == 0 ? malloc(record->size) : aligned_alloc((size_t)1 << record->alignment_log2, record->size);
            break;
        case ALLOCATE_ZEROED:
            block = calloc(1, record->size);
            break;
        case RELEASE:
            free(*slot);
            *slot = NULL;
            continue;
        default:
            block = realloc(*slot, record->size);
            break;
        }

        *slot = block;
        if (block != NULL && record->size != 0) {
            block[0] = 1;
            block[record->size - 1] = 1;
        }
    }

    double time = seconds_now() - start;
    for (uint32_t i = 0; i < trace->object_count; i++) {
        free(slots[i]);
        slots[i] = NULL;
    }

    return time;
}

static void pin(int core)
{
    cpu_set_t cores;
    if (core >= 0 && core < CPU_SETSIZE) {
        CPU_ZERO(&cores);
        CPU_SET(core, &cores);
        sched_setaffinity(0, sizeof cores, &cores);
    }
}

int main(int argc, char **argv)
{
    struct trace trace;
    if (argc != 5 || load(argv[1], &trace) != 0) {
        fprintf(stderr, "usage: replay TRACE ROUNDS SECONDS CORE; TRACE must be an uncompressed trace\n");
        return 2;
    }

    pin(atoi(argv[4]));
    size_t slot_bytes = (size_t)trace.object_count * sizeof(unsigned char *);
    unsigned char **slots = mmap(NULL, slot_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (slots == MAP_FAILED) {
        perror("slots");
        return 1;
    }

    int rounds = atoi(argv[2]);
    double best = 1e300;
    uint64_t base = status_bytes("VmRSS:");
    for (int i = 0; i < rounds; i++) {
        double time = play(&trace, slots);
        best = time < best ? time : best;
    }

    uint64_t peak = status_bytes("VmHWM:");
    for (double start = seconds_now(); seconds_now() - start < atof(argv[3]);) {
        double time = play(&trace, slots);
        best = time < best ? time : best;
    }

    printf("%.4f %" PRIu64 "\n", best * 1e9 / trace.record_count, peak > base ? peak - base : 0);
    return 0;
}
