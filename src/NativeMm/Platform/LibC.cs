using System.Runtime.InteropServices;

namespace NativeMm.Platform;

/// <summary>The C library's calls, raw. Blittable signatures only; every failure leaves its number in the last P/Invoke error.</summary>
internal static unsafe partial class LibC
{
    public const int ProtNone = 0;
    public const int ProtRead = 1;
    public const int ProtReadWrite = 1 | 2;
    public const int ProtReadExecute = 1 | 4;

    public const int MapShared = 0x01;
    public const int MapPrivate = 0x02;
    public const int MapFixed = 0x10;
    public const int MapAnonymous = 0x20;

    /// <summary>MAP_32BIT: below 2 GiB. x64 only.</summary>
    public const int MapLow = 0x40;
    public const int MapNoReserve = 0x4000;

    public const int RemapMayMove = 1;

    public const int AdviseDontNeed = 4;
    public const int AdviseFree = 8;
    public const int AdviseHugePage = 14;
    public const int AdviseNoHugePage = 15;
    public const int AdvisePopulateWrite = 23;
    public const int AdviseGuardInstall = 102;

    public const int FallocateKeepSize = 1;
    public const int FallocatePunchHole = 2;

    public const int MemoryFileCloseOnExec = 1;

    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenReadWrite = 2;
    public const int OpenCreate = 0x40;
    public const int OpenExclusive = 0x80;
    public const int OpenCloseOnExec = 0x80000;

    /// <summary>O_DIRECT, which is not the same number everywhere.</summary>
    public static readonly int OpenDirect = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    /// <summary>What <see cref="Map"/> and <see cref="Remap"/> return on failure.</summary>
    public const nint MapFailed = -1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nuint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(nuint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    public static partial nint Remap(nuint address, nuint bytes, nuint newBytes, int flags);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    public static partial int Advise(nuint address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(nuint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "mincore", SetLastError = true)]
    public static partial int InCore(nuint address, nuint bytes, byte* residency);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int file, nint bytes);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(int file, int mode, nint offset, nint bytes);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    public static partial int Open(byte* path, int flags);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    public static partial int OpenNew(byte* path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true)]
    public static partial int Unlink(byte* path);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint ReadAt(int file, void* buffer, nuint bytes, nint offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    public static partial nint WriteAllAt(int file, IoVector* pieces, int count, nint offset);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int file, byte* buffer, nuint bytes);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int file, byte* buffer, nuint bytes);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "sigaction", SetLastError = true)]
    public static partial int SignalAction(int signal, SignalAction* action, SignalAction* previous);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SetAffinity(int thread, nuint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    public static partial int GetAffinity(int thread, nuint bytes, ulong* mask);

    /// <summary>Sets the nice value of a thread (which 0, by its number).</summary>
    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int who, int nice);

    /// <summary>Reads a clock: seconds, then nanoseconds.</summary>
    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int GetTime(int clock, nint* secondsAndNanoseconds);

    /// <summary>Makes a key for thread-specific values; returns an error number. The destructor is the address of a function of one address.</summary>
    [LibraryImport("libc", EntryPoint = "pthread_self")]
    public static partial nuint CurrentThread();

    [LibraryImport("libc", EntryPoint = "pthread_getattr_np")]
    public static partial int GetThreadAttributes(nuint thread, byte* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_getstack")]
    public static partial int GetStackBounds(byte* attributes, out nuint low, out nuint bytes);

    [LibraryImport("libc", EntryPoint = "pthread_attr_destroy")]
    public static partial int DestroyThreadAttributes(byte* attributes);

    [LibraryImport("libc", EntryPoint = "pthread_key_create")]
    public static partial int CreateKey(out uint key, nint destructor);

    /// <summary>Gives a key back; returns an error number. Destructors of values that threads still have are not called any more.</summary>
    [LibraryImport("libc", EntryPoint = "pthread_key_delete")]
    public static partial int DeleteKey(uint key);

    /// <summary>Sets the calling thread's value of a key; returns an error number.</summary>
    [LibraryImport("libc", EntryPoint = "pthread_setspecific")]
    public static partial int SetSpecific(uint key, nint value);

    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, nuint* softAndHard);

    /// <summary>Any call by its number. The C library's wrappers of the newer calls are missing on older systems.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    public static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    /// <summary>The result of a call that returns 0 for success and −1 for failure.</summary>
    public static PlatformResult ResultOf(int returned) => returned == 0 ? PlatformResult.Success : LastError();

    /// <summary>The error number of the call that just failed.</summary>
    public static PlatformResult LastError() => new(Marshal.GetLastPInvokeError());
}
