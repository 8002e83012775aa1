// Purpose      an access that hits writes nothing that another core reads again and again: the thread says in a line of its own which page it uses, and
//              whoever takes pages away looks there.
// States       Access, Fault, Lease0…5: 0, or a hazard (Hazard): a page, or the 2 MiB that it lies in, of one space.
// Transitions  0 → hazard → 0, by the owner alone, plain stores.
// Ownership    field                | who writes | who reads            | how                          | guard
//              hazard words         | the owner  | who takes pages away | release; acquire, fence [H2] | none
//              the second line      | the owner  | the owner            | plain                        | none
// Ordering     [H1] the owner stores the hazard, then loads the entry of the page, with nothing but the order of the program between; [H2] whoever
//              takes pages away changes the entries (moving, empty, less rights), passes one process-wide fence, and loads the hazards. The fence
//              falls between two instructions of the owner: if before his load of the entry, he sees the change and turns to the slow path; else his hazard
//              is seen. So a page whose hazard nobody has after [H2] is used by nobody, and who begins later finds the changed entry.
//              [H3] the store that ends a hazard is a release, and pairs with the acquire load of [H2]: what the access read and wrote is done.
//              A table is taken away in the same way: a hazard for any page of its range keeps it, so the walk to the entry is safe as well.
// Reuse        the word names a page, not a frame: the same page may have got another frame since, and then the look errs on the safe side.
// Progress     an access is wait-free. A thread that stands still in one delays the frames of one page, and a fork that must not miss its write.
//              A thread that died with a lease leaves the hazard until its slot has a new owner, or until somebody asks whether the space is held or trims.
// Source       M. Michael, "Hazard pointers" (2004); the fence on one side only: D. Dice and others, "Fast non-intrusive memory reclamation" (2016).

using System.Runtime.InteropServices;
using NativeMm.Diagnostics;
using NativeMm.Platform;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <summary>The hazards of one thread: a line that others read, a line that is its own, and by which pages of its stack it is found.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal unsafe struct AccessSlot : IStackOwned<AccessSlot>
{
    /// <summary>Size of a slot.</summary>
    public const int Bytes = 3 * CacheLine.Isolation;

    /// <summary>Hazard words at the begin of a slot.</summary>
    public const int Words = 8;

    /// <summary>Leases that a thread may hold at a time.</summary>
    public const int LeasesMax = 6;

    /// <summary>The page that a read or a write uses at this moment.</summary>
    [FieldOffset(0)]
    public ulong Access;

    /// <summary>The page that a fault or a pin works on: its table stays.</summary>
    [FieldOffset(8)]
    public ulong Fault;

    /// <summary>The first of the leases.</summary>
    [FieldOffset(16)]
    public ulong Lease0;

    // Owner: the thread.
    [FieldOffset(64)]
    public int Number;

    // Owner: the thread. Faults, so that every so many looks at the permits.
    [FieldOffset(68)]
    public int Turn;

    // Owner: the thread. Lookups in caches, so that no two of them have the same word.
    [FieldOffset(72)]
    public ulong Lookups;

    /// <inheritdoc/>
    public static StackHold* HoldOf(AccessSlot* owned) => (StackHold*)((byte*)owned + CacheLine.Isolation);

    /// <summary>One of the hazard words, in the order of the fields.</summary>
    public static ref ulong Word(AccessSlot* slot, int index)
    {
        Invariant.Assert((uint)index < Words, $"Word {index} of a slot is looked at.");
        return ref ((ulong*)slot)[index];
    }

    /// <summary>A lease's word.</summary>
    public static ulong* LeaseWord(AccessSlot* slot, int index)
    {
        Invariant.Assert((uint)index < LeasesMax, $"Lease {index} of a slot is looked at.");
        return &slot->Lease0 + index;
    }
}
