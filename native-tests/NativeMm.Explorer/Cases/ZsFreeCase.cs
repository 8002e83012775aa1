using NativeMm.Diagnostics;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Frames;
using NativeMm.Primitives;
using NativeMm.Zsmalloc;

namespace NativeMm.Explorer.Cases;

/// <summary>An object is freed under a reader, which is a mistake of the program, and its place is used again.</summary>
internal sealed class ZsFreeCase : Case
{
    public override string Claim => "a reader of an object that is freed reads it whole or is told; its frame stays until it is done, and the pool stays whole";

    public override IReadOnlyList<BadCopy> BadCopies =>
    [
        new("ZsAllocator[A1]", Weakening.Dropped), new("ZsAllocator[A4]", Weakening.Dropped), new("SpinLock[L2]", Weakening.Dropped),
    ];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    /// <summary>The mistake itself is a race: the freed slot is written while it may be read. What is looked at is whether anything else comes of it.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var pool = new ZsFixture();
        ZsHandle handle = pool.Make(7);
        plan.Thread("reader", () =>
            {
                try
                {
                    pool.Read(handle, 7);
                }
                catch (Exception failure) when (failure is MemoryFaultException or ArgumentException)
                {
                    // Told; or the slot's head, which said how long the object is, was already that of a free slot.
                }
            })
            .Thread("freer", () =>
            {
                pool.Pool.Free(handle);
                pool.Pool.Engine.ReleaseEmpty();
                if (pool.Zone.Frames.TryAllocate(Order.Zero, FrameFlags.NoReclaim, out Pfn frame, out _))
                {
                    pool.Scribble(frame);
                }
            })
            .AtEnd(() =>
            {
                pool.Pool.Validate();
                pool.Pool.Engine.ReleaseEmpty();
                Plan.Check(pool.Pool.Engine.TotalFrames == 0, "a zspage stayed though its object is freed and nobody reads");
                pool.Pool.Dispose();
            });
    }
}
