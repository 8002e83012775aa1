/* Records what a program asks of malloc, for the lab. Preloaded by `NativeMm.Lab record -- COMMAND`; the file named by NATIVEMM_RECORD is made and
   sized by the lab: a page of header, then events of 32 bytes. Nothing here allocates, waits or takes a lock.

   Order        An event's place is taken with one atomic addition. A release takes its place before the block goes back, an allocation after the block
                is there: so no later owner of the same address can come before an earlier one. A reallocation is two events around the call, because
                between them the old address may already be another thread's.
   Memory       The whole file is mapped at once and sparse: what was written is the page cache's, and a program that is killed loses nothing.
   Full         When all places are taken, the program goes on unrecorded.
   Processes    The first process that finds the file without an owner records. When it becomes another program (exec), that one begins anew: what came
                before is wiped out, because its blocks are gone. A child forgets the recording at once; every other program that is loaded with the library counts itself and
                stays out.
   Needs        glibc, whose own functions stand behind the recorded ones whatever else is linked. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALLOCATE = 1, ALLOCATE_ZEROED, RELEASE, REALLOCATE_BEGIN, REALLOCATE_END };

struct event {
    uint8_t operation; /* written last: 0 is a place that was taken and not filled */
    uint8_t alignment_log2;
    uint16_t unused;
    uint32_t thread;
    uint64_t address;
    uint64_t size;
    uint64_t unused_too;
};

struct header {
    char magic[8]; /* NMRECORD */
    uint64_t limit; /* places in the file */
    uint64_t next; /* places taken; may go beyond the limit */
    uint32_t owner; /* process that records; 0 is nobody yet */
    uint32_t strangers; /* other programs that were loaded with the library */
    uint32_t threads; /* threads that were given a number */
};

enum { HEADER_BYTES = 4096 };

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static struct header *s_header;
static struct event *s_events;
static __thread uint32_t t_thread __attribute__((tls_model("initial-exec"))); /* 0 has no number yet */

static void note(uint8_t operation, unsigned alignment_log2, const void *address, uint64_t size)
{
    struct header *header = __atomic_load_n(&s_header, __ATOMIC_ACQUIRE);
    if (header == NULL || __atomic_load_n(&header->next, __ATOMIC_RELAXED) >= header->limit) {
        return;
    }

    if (t_thread == 0) {
        t_thread = __atomic_add_fetch(&header->threads, 1, __ATOMIC_RELAXED);
    }

    uint64_t place = __atomic_fetch_add(&header->next, 1, __ATOMIC_ACQ_REL);
    if (place >= header->limit) {
        return;
    }

    struct event *event = &s_events[place];
    event->alignment_log2 = (uint8_t)alignment_log2;
    event->thread = t_thread - 1;
    event->address = (uint64_t)(uintptr_t)address;
    event->size = size;
    __atomic_store_n(&event->operation, operation, __ATOMIC_RELEASE);
}

static void leave(void)
{
    __atomic_store_n(&s_header, NULL, __ATOMIC_RELEASE);
}

__attribute__((constructor(101))) static void begin(void)
{
    const char *path = getenv("NATIVEMM_RECORD");
    int file = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return;
    }

    off_t bytes = lseek(file, 0, SEEK_END);
    void *map = bytes <= HEADER_BYTES ? MAP_FAILED : mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    close(file);
    if (map == MAP_FAILED) {
        return;
    }

    struct header *header = map;
    uint32_t nobody = 0;
    uint32_t self = (uint32_t)getpid();
    int first = __atomic_compare_exchange_n(&header->owner, &nobody, self, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (!first && nobody != self) {
        __atomic_fetch_add(&header->strangers, 1, __ATOMIC_RELAXED);
        munmap(map, (size_t)bytes);
        return;
    }

    s_events = (struct event *)(void *)((char *)map + HEADER_BYTES);
    if (!first) {
        uint64_t taken = header->next < header->limit ? header->next : header->limit;
        memset(s_events, 0, taken * sizeof *s_events);
        header->threads = 0;
        __atomic_store_n(&header->next, 0, __ATOMIC_RELEASE);
    }

    pthread_atfork(NULL, NULL, leave);
    __atomic_store_n(&s_header, header, __ATOMIC_RELEASE);
}

static unsigned log2_of(size_t alignment)
{
    return alignment == 0 ? 0 : (unsigned)(63 - __builtin_clzll((unsigned long long)alignment));
}

static void *note_block(uint8_t operation, unsigned alignment_log2, void *block, size_t size)
{
    if (block != NULL) {
        note(operation, alignment_log2, block, size);
    }

    return block;
}

void *malloc(size_t size)
{
    return note_block(ALLOCATE, 0, __libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return note_block(ALLOCATE_ZEROED, 0, __libc_calloc(count, size), count * size);
}

void free(void *block)
{
    if (block != NULL) {
        note(RELEASE, 0, block, 0);
    }

    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    if (block == NULL) {
        return malloc(size);
    }

    if (size == 0) {
        free(block);
        return NULL;
    }

    note(REALLOCATE_BEGIN, 0, block, size);
    void *moved = __libc_realloc(block, size);
    note(REALLOCATE_END, 0, moved, size);
    return moved;
}

void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }

    return realloc(block, bytes);
}

void *memalign(size_t alignment, size_t size)
{
    return note_block(ALLOCATE, log2_of(alignment), __libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) {
        return EINVAL;
    }

    int before = errno;
    void *block = memalign(alignment, size);
    errno = before;
    if (block == NULL) {
        return ENOMEM;
    }

    *result = block;
    return 0;
}

void *valloc(size_t size)
{
    return memalign((size_t)sysconf(_SC_PAGESIZE), size);
}

void *pvalloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return memalign(page, (size + page - 1) & ~(page - 1));
}
