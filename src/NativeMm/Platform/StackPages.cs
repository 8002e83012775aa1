// Purpose      what belongs to the calling thread, a cache for example, without a call: a page of a stack belongs to one thread at a time, so the page that a
//              local variable lies in tells who is running.
// States       entry: key 0 (nobody's), 1 (being entered), or the number of a page whose thread has the cache beside it.
// Transitions  0 → 1 → page: the thread that runs on the page, by CAS; it writes the cache in between. page → 0: the same thread when it gives
//              the entry up for another page, or the C library when the thread ends (ThreadEndWords).
// Ownership    an entry whose key is a page is the thread's that runs on that page: nobody else has a variable there, so nobody else can find the
//              key that he looks for. Whoever finds another page's key leaves it alone.
// Ordering     none for the threads that run: key and cache are written and read by one thread, the clearing included. What a thread of another
//              page sees is only ever compared with a page that is not that one's. Forget alone reads both from outside: [P1] the release of the
//              page pairs with [P2] its acquire, so the cache that it sees is the one that was entered with the page.
// Reuse        a stack is given to another thread only after its last thread has ended, and by then the keys are zero. The new thread finds
//              nothing and takes the thread-static pointer, which is its own.
// Hazards      A thread whose first use of the heap falls into the last round of the system's destructors leaves its key behind; the next thread
//              on the page then uses a cache whose owner is gone, alone as long as nobody adopts it: Forget, which is asked before, says so.
//              Only pages that lie wholly inside the thread's own stack, as the system knows it, are entered: a stack of a program's own making
//              (fibers, alternate signal stacks) may be left by one living thread and entered by another, and there the pointer is asked each time.
// Progress     wait-free. A page whose entry another thread's page has taken stays unknown; its thread takes the thread-static pointer each time.
// Source       the kernel's current_thread_info(), which is found by the stack pointer as well.

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>
/// Things that threads have for themselves, such as their caches of the shared heap, by the page of the stack that the threads run on. A table for each kind
/// of thing.
/// </summary>
/// <typeparam name="T">The kind.</typeparam>
[SuppressMessage("Design", "CA1000:Do not declare static members on generic types", Justification = "Each kind has a table of its own.")]
internal static unsafe class StackPages<T>
    where T : unmanaged, IStackOwned<T>
{
    /// <summary>Pages of 4 KiB, whatever the system's page is: a smaller unit than a stack's border is safe.</summary>
    private const nuint PageBytes = 4096;

    /// <summary>Entries of 16 bytes: 4 GiB of stacks before two threads of neighbouring stacks share one. Untouched entries cost addresses.</summary>
    private const nuint EntriesMax = 1 << 20;

    private const nuint EntryBytes = 16;

    /// <summary>Where a thread with more pages than words tries again to make a page known: so many misses apart.</summary>
    private const uint MissesBetweenMoves = 64;

    /// <summary>The key of an entry whose cache is not written yet. No stack lies on page 1.</summary>
    private const nuint BeingEntered = 1;

    private static readonly ThreadEndWords? s_end = ThreadEndWords.TryCreate();
    private static readonly nuint s_full = s_end is null ? 0 : Reserve(EntriesMax);

    // Where threads cannot be told apart by their stacks, one entry that nobody takes.
    private static readonly nuint s_entries = s_full == 0 ? 1 : EntriesMax;
    private static readonly nuint s_mask = (s_entries - 1) * EntryBytes;
    private static readonly nuint s_table = s_full == 0 ? (nuint)NativeMemory.AllocZeroed(EntryBytes) : s_full;

    /// <summary>A place in the calling method's frame; in its caller's, where that is inlined.</summary>
    /// <remarks>The variable is never read or written: only where it lies matters.</remarks>
    public static nuint Here
    {
        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            byte variable;
            return (nuint)(&variable);
        }
    }

    /// <summary>Whether the thread that runs at a place of its stack has its thing entered.</summary>
    /// <param name="entry">From <see cref="EntryOf"/>.</param>
    /// <param name="here">From <see cref="Here"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Knows(nuint* entry, nuint here) => *entry == here / PageBytes;

    /// <summary>The calling thread's, if the table <see cref="Knows"/> the place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* Of(nuint* entry) => (T*)entry[1];

    /// <summary>Enters what is the calling thread's for a page that it runs on, if there is room.</summary>
    /// <param name="owned">The calling thread's.</param>
    /// <param name="here">A place in the calling thread's stack.</param>
    public static void Enter(T* owned, nuint here)
    {
        nuint* entry = EntryOf(here);
        if (s_full == 0 || *entry != 0 || !IsOnOwnStack(owned, here))
        {
            return;
        }

        StackHold* hold = T.HoldOf(owned);
        int index = (int)(hold->Pages % ThreadEndWords.WordsMax);
        ref nuint mine = ref StackHold.Entry(hold, index);
        if (mine != 0)
        {
            if (++hold->Misses % MissesBetweenMoves != 0)
            {
                return;
            }

            *(nuint*)mine = 0;
            mine = 0;
        }

        if (!Atomic.CompareExchange(ref *entry, 0, BeingEntered))
        {
            return;
        }

        if (!s_end!.TryWatch(index, entry))
        {
            Atomic.StoreRelease(ref *entry, 0);
            return;
        }

        entry[1] = (nuint)owned;
        Atomic.StoreRelease(ref *entry, here / PageBytes); // [P1] pairs with [P2]
        mine = (nuint)entry;
        hold->Pages++;
    }

    /// <summary>Before what a dead thread had gets another owner: makes sure that no page leads to it any more.</summary>
    /// <param name="owned">Something whose thread has ended.</param>
    /// <returns>False if one still did, so that somebody may be using it by that page; it must not be given to anybody else.</returns>
    public static bool Forget(T* owned)
    {
        StackHold* hold = T.HoldOf(owned);
        bool clean = true;
        for (int i = 0; i < ThreadEndWords.WordsMax; i++)
        {
            ref nuint entry = ref StackHold.Entry(hold, i);
            if (entry != 0 && Atomic.LoadAcquire(in *(nuint*)entry) > BeingEntered // [P2] pairs with [P1]
                && ((nuint*)entry)[1] == (nuint)owned)
            {
                Atomic.StoreRelease(ref *(nuint*)entry, 0);
                clean = false;
            }

            entry = 0;
        }

        hold->Pages = 0;
        hold->Low = 0;
        return clean;
    }

    /// <summary>
    /// Whether the whole page of a place lies in the stack that the system gave the calling thread. A stack that a program made for itself (fibers,
    /// alternate signal stacks) may serve another living thread next: its pages are nobody's.
    /// </summary>
    private static bool IsOnOwnStack(T* owned, nuint here)
    {
        StackHold* hold = T.HoldOf(owned);
        if (hold->Low == 0)
        {
            // Without an answer no page counts: the thread goes by its thread-static pointer.
            (hold->Low, hold->High) = ThreadStack.TryGetBounds(out nuint low, out nuint high) ? (low, high) : (1, 0);
        }

        nuint page = here & ~(PageBytes - 1);
        return page >= hold->Low && page + PageBytes <= hold->High;
    }

    /// <summary>The entry for a place on a stack: the number of its page times the bytes of an entry, by one shift.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint* EntryOf(nuint here) => (nuint*)(s_table + ((here / (PageBytes / EntryBytes)) & s_mask));

    /// <summary>
    /// Gives the system's keys back, once the library's load context is gone and nobody can run its code any more. The table stays: a thread that is
    /// ending at this moment may still clear a word of it.
    /// </summary>
    public static void End() => s_end?.Dispose();

    // A system that refuses the addresses keeps its threads by the thread-static pointer alone.
    private static nuint Reserve(nuint entries) =>
        SystemPlatform.Current.ReserveTable(entries * EntryBytes, closed: false, out nuint table).Succeeded ? table : 0;
}
