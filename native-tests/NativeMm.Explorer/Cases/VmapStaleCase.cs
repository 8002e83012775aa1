using NativeMm.Diagnostics;
using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Vmap;

namespace NativeMm.Explorer.Cases;

/// <summary>A range is freed twice, by mistake, while its record becomes that of another range at other addresses.</summary>
internal sealed unsafe class VmapStaleCase : Case
{
    private const nuint RangeBytes = 4096;

    public override string Claim => "a free that comes too late is told, and takes nothing from the next owner of the record";

    public override IReadOnlyList<BadCopy> BadCopies => [new("VmapArea[W2]", Weakening.Split)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 1);

    /// <summary>Counts of the pools are read outside of their locks as approximations; the mistaken free reads a record that is being written.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        var options = new VmapOptions
        {
            CapacityBytes = VmapOptions.BytesMin,
            WindowBytes = VmapOptions.BytesMin,
            PooledBytesMaxPerCore = 0,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        };
        var vmap = new VmapAllocator(options, new ArenaPlatform(canMap: true));
        GC.SuppressFinalize(vmap);
        void* first = vmap.Alloc(RangeBytes);
        vmap.Alloc(RangeBytes); // what is longer than a page lies behind it
        void* next = null;
        int freed = 0;
        plan.Thread("owner", () =>
            {
                int mine = Free(vmap, first);
                freed += mine;
                if (mine == 0)
                {
                    return;
                }

                vmap.Purge();
                next = vmap.Alloc(2 * RangeBytes);
            })
            .Thread("mistaken", () =>
            {
                int mine = Free(vmap, first);
                freed += mine;
            })
            .AtEnd(() =>
            {
                Plan.Check(freed == 1, $"{freed} of two frees of one range succeeded");
                Plan.Check(next == null || vmap.FindArea(next) is { State: VmapAreaState.Busy }, "the late free took the next range");
                vmap.Validate();
            });
    }

    private static int Free(VmapAllocator vmap, void* address)
    {
        try
        {
            vmap.Free(address);
            return 1;
        }
        catch (MemoryFaultException)
        {
            return 0;
        }
    }
}
