using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;
using StackPages = NativeMm.Platform.StackPages<NativeMm.AddressSpaces.AccessSlot>;

namespace NativeMm.AddressSpaces;

/// <summary>The slots of all threads. Their memory stays as long as the process; a thread that ended leaves its slot to the next. Thread-safe.</summary>
internal static unsafe class AccessSlots
{
    /// <summary>Most threads that may use address spaces at a time.</summary>
    public const int ThreadsMax = ChunksMax * ChunkSlots;

    private const int ChunkSlots = 512;
    private const int ChunksMax = 128;

    private static readonly nuint[] s_chunks = new nuint[ChunksMax];
    private static readonly List<OwnerThread?> s_owners = [];
    private static SleepLock s_lock;
    private static int s_count;
    private static long s_spaces;

    /// <summary>How many slots there are to look at. It only grows.</summary>
    public static int Count => Atomic.LoadAcquire(in s_count);

    /// <summary>A slot by its number.</summary>
    /// <param name="number">Below <see cref="Count"/>.</param>
    public static AccessSlot* At(int number)
    {
        Invariant.Assert((uint)number < ThreadsMax && s_chunks[number / ChunkSlots] != 0, $"Slot {number} is looked at and was never made.");
        return (AccessSlot*)s_chunks[number / ChunkSlots] + (number % ChunkSlots);
    }

    /// <summary>A number that no other space of the process has, as it stands in hazards.</summary>
    public static ulong NextSpaceKey()
    {
        ulong number = (ulong)Atomic.Add(ref s_spaces, 1) & ((1UL << (64 - Hazard.SpaceShift)) - 1);
        return (number == 0 ? (ulong)Atomic.Add(ref s_spaces, 1) : number) << Hazard.SpaceShift;
    }

    /// <summary>The calling thread's slot, which it gets if it has none.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for slots, or more threads than there can be slots live at a time.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AccessSlot* Own() => Own(StackPages.Here);

    /// <summary>The same for a caller, or his caller, that runs at a place of the stack: the next time that place is known.</summary>
    /// <inheritdoc cref="Own()"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static AccessSlot* Own(nuint here)
    {
        nuint* known = StackPages.EntryOf(here);
        return StackPages.Knows(known, here) ? StackPages.Of(known) : Find(here);
    }

    /// <summary>
    /// Ends what threads left behind that died with a lease. Their slots stay theirs until somebody takes them over. It asks the system about threads that .NET has let
    /// go of, and allocates no managed memory.
    /// </summary>
    public static void EndLeasesOfDead()
    {
        using (s_lock.EnterScope())
        {
            for (int i = 0; i < s_owners.Count; i++)
            {
                if (HasLease(At(i)) && s_owners[i] is { HasLeft: true, IsGone: true })
                {
                    ClearWords(At(i));
                }
            }
        }
    }

    /// <summary>Gives up what the system keeps for the ends of threads, once the library's load context is gone and nobody can run its code any more.</summary>
    public static void End()
    {
        if (Count != 0)
        {
            StackPages.End();
        }
    }

    /// <summary>Uses slots in memory of the caller's: for whoever runs threads that the system does not know.</summary>
    internal static void Lend(AccessSlot* slots, int count)
    {
        s_chunks[0] = (nuint)slots;
        s_count = count;
        s_spaces = 0;
        for (int i = 0; i < count; i++)
        {
            slots[i].Number = i;
        }
    }

    /// <summary>Gives the calling thread a slot that was lent.</summary>
    internal static void Bind(int number) => AccessSlotThread.t_slot = At(number);

    /// <summary>The slot of a thread that runs on a page of its stack that is not entered.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static AccessSlot* Find(nuint here)
    {
        AccessSlot* slot = AccessSlotThread.t_slot;
        if (slot == null)
        {
            slot = Take();
            AccessSlotThread.t_slot = slot;
        }

        StackPages.Enter(slot, here);
        return slot;
    }

    private static AccessSlot* Take()
    {
        OwnerThread self = OwnerThread.Current;
        using (s_lock.EnterScope())
        {
            for (int i = 0; i < s_owners.Count; i++)
            {
                if (s_owners[i] is { HasLeft: true, IsGone: true })
                {
                    AccessSlot* old = At(i);
                    s_owners[i] = null;
                    if (!StackPages.Forget(old))
                    {
                        // A page of a stack still led to it: it stays nobody's.
                        continue;
                    }

                    ClearWords(old);
                    s_owners[i] = self;
                    return old;
                }
            }

            return Add(self);
        }
    }

    private static bool HasLease(AccessSlot* slot)
    {
        bool has = false;
        for (int index = 0; index < AccessSlot.LeasesMax; index++)
        {
            has |= Atomic.LoadAcquire(in *AccessSlot.LeaseWord(slot, index)) != 0;
        }

        return has;
    }

    private static void ClearWords(AccessSlot* slot)
    {
        for (int word = 0; word < AccessSlot.Words; word++)
        {
            Atomic.StoreRelease(ref AccessSlot.Word(slot, word), 0);
        }
    }

    private static AccessSlot* Add(OwnerThread self)
    {
        Invariant.Assert(s_lock.IsHeldByCurrentThread, "A slot is made without the lock.");
        int number = s_owners.Count;
        if (number == ThreadsMax)
        {
            throw Refused($"{ThreadsMax} threads use address spaces already.");
        }

        if (number % ChunkSlots == 0 && s_chunks[number / ChunkSlots] == 0)
        {
            PlatformResult result = SystemPlatform.Current.Reserve(ChunkSlots * AccessSlot.Bytes, SystemPlatform.Current.PageBytes, out nuint chunk);
            if (!result.Succeeded)
            {
                throw Refused($"The system refuses {ChunkSlots * AccessSlot.Bytes} bytes for the access slots of threads: {result}.{ResourceLimits.ExplainAddresses()}");
            }

            s_chunks[number / ChunkSlots] = chunk;
        }

        s_owners.Add(self);
        AccessSlot* slot = At(number);
        Invariant.Assert(!HasLease(slot) && slot->Access == 0, $"Slot {number} is new and in use.");
        slot->Number = number;

        // A thread that is not counted has published nothing: its first hazard comes after this, and the fence of who looks orders the rest.
        Atomic.StoreRelease(ref s_count, number + 1);
        return slot;
    }

    [System.Diagnostics.CodeAnalysis.SuppressMessage("Usage", "CA2201:Do not raise reserved exception types", Justification = "There is no memory.")]
    private static OutOfMemoryException Refused(string message) => new(message);
}
