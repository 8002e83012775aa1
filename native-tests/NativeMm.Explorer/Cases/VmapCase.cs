using NativeMm.Explorer.Machine;
using NativeMm.Explorer.Running;
using NativeMm.Vmap;

namespace NativeMm.Explorer.Cases;

/// <summary>Threads of two cores allocate and free ranges of a page, out of each other's pools.</summary>
internal unsafe class VmapCase : Case
{
    private const nuint RangeBytes = 4096;
    private readonly Cell?[] _pages = new Cell?[1024];

    public override string Claim => "a range has one owner, who sees what the last one wrote; what the pools and the lazy set hand over is there once";

    public override IReadOnlyList<BadCopy> BadCopies => [new("SpinLock[L1]", Weakening.Split), new("VmapAllocator[V1]", Weakening.Dropped)];

    public override Bounds Bounds => new(Preemptions: 3, StaleReads: 0);

    /// <summary>Counts of the pools are read outside of their locks as approximations.</summary>
    public override bool WatchesPlainMemory => false;

    public override void Prepare(Plan plan)
    {
        Array.Clear(_pages);
        var options = new VmapOptions
        {
            CapacityBytes = VmapOptions.BytesMin,
            WindowBytes = VmapOptions.BytesMin,
            Purge = new LazyPurgePolicy { Executor = PurgeExecutor.Caller },
        };
        var vmap = new VmapAllocator(options, new ArenaPlatform(canMap: true));
        GC.SuppressFinalize(vmap);
        void* first = vmap.Alloc(RangeBytes);
        vmap.Free(first);
        plan.Thread("user", () => Use(vmap, (nuint)first))
            .Thread("other", () => Meanwhile(vmap, (nuint)first))
            .AtEnd(vmap.Validate);
    }

    protected virtual void Meanwhile(VmapAllocator vmap, nuint first) => Use(vmap, first);

    private void Use(VmapAllocator vmap, nuint first)
    {
        void* range = vmap.Alloc(RangeBytes);
        ref Cell? page = ref _pages[((nuint)range - first) / RangeBytes % (nuint)_pages.Length];
        page ??= new Cell($"range {((nuint)range - first) / RangeBytes}");
        page.Value++;
        vmap.Free(range);
    }
}
