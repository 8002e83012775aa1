using System.Runtime.InteropServices;
using NativeMm.Heap;

namespace NativeMm.Tests.Child.Scenarios;

/// <summary>
/// A destructor of native thread-specific data uses the heaps: .NET has let go of the thread by then, and other threads come meanwhile. Prints how
/// many caches of the shared heap were adopted while the destructor ran, how many blocks somebody else wrote into, and whether the cache was
/// adopted at last, when the thread was gone.
/// </summary>
internal static unsafe partial class ThreadExitScenario
{
    private const int Rounds = 20_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly ManualResetEventSlim s_inDestructor = new();
    private static readonly ManualResetEventSlim s_othersCame = new();
    private static readonly ManualResetEventSlim s_done = new();
    private static readonly NativeHeap s_other = new();
    private static int s_foreign;
    private static long s_adopted;

    public static int Run(string[] arguments)
    {
        uint key;
        if (CreateKey(&key, &Destructor) != 0)
        {
            return 3;
        }

        uint made = key;
        var dying = new Thread(() =>
        {
            Use(100, 1);
            _ = SetSpecific(made, 1);
        });
        dying.Start();
        if (!dying.Join(s_patience) || !s_inDestructor.Wait(s_patience))
        {
            return 4;
        }

        var others = new Thread[3];
        for (int i = 0; i < others.Length; i++)
        {
            byte mark = (byte)(i + 2);
            others[i] = new Thread(() =>
            {
                Use(100, mark);
                s_othersCame.Set();
                Use(Rounds, mark);

                // Until then nobody but the dying thread is gone, so whatever is adopted is its cache.
                s_done.Wait(s_patience);
            });
            others[i].Start();
        }

        bool ended = s_done.Wait(s_patience);
        foreach (Thread other in others)
        {
            ended &= other.Join(s_patience);
        }

        NativeHeap.Shared.Validate();
        s_other.Validate();
        Console.Out.WriteLine($"{s_adopted} {s_foreign} {(ended && IsAdoptedAtLast() ? 1 : 0)}");
        return 0;
    }

    [UnmanagedCallersOnly]
    private static void Destructor(void* value)
    {
        s_inDestructor.Set();
        s_othersCame.Wait(s_patience);
        Use(Rounds, 1);
        s_adopted = NativeHeap.Shared.GetStatistics().ThreadCachesAdopted;
        s_done.Set();
    }

    /// <summary>The thread ends some time after its destructor said so.</summary>
    private static bool IsAdoptedAtLast() => SpinWait.SpinUntil(
        () =>
        {
            var thread = new Thread(() => NativeHeap.Shared.Free(NativeHeap.Shared.Alloc(64)));
            thread.Start();
            return thread.Join(s_patience) && NativeHeap.Shared.GetStatistics().ThreadCachesAdopted > 0;
        },
        s_patience);

    private static void Use(int rounds, byte mark)
    {
        Use(NativeHeap.Shared, rounds, mark);
        Use(s_other, rounds, mark);
    }

    private static void Use(NativeHeap heap, int rounds, byte mark)
    {
        byte** held = stackalloc byte*[64];
        new Span<nint>(held, 64).Clear();
        uint random = mark;
        for (int i = 0; i < rounds; i++)
        {
            random = (random * 1_664_525) + 1_013_904_223;
            ref byte* block = ref held[random >> 26];
            if (block == null)
            {
                block = (byte*)heap.Alloc(64);
                new Span<byte>(block, 64).Fill(mark);
                continue;
            }

            if (new Span<byte>(block, 64).IndexOfAnyExcept(mark) >= 0)
            {
                Interlocked.Increment(ref s_foreign);
            }

            heap.Free(block);
            block = null;
        }

        for (int i = 0; i < 64; i++)
        {
            heap.Free(held[i]);
        }
    }

    [LibraryImport("libc", EntryPoint = "pthread_key_create")]
    private static partial int CreateKey(uint* key, delegate* unmanaged<void*, void> destructor);

    [LibraryImport("libc", EntryPoint = "pthread_setspecific")]
    private static partial int SetSpecific(uint key, nint value);
}
