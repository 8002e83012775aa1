using NativeMm.Primitives;

namespace NativeMm.Lab.Experiments.Vmalloc;

/// <summary>
/// What the tests of the kernel's module do. An operation allocates, writes a byte of every page, and frees; what it refused counts as failed.
/// </summary>
/// <param name="ranges">Who hands the pages out.</param>
/// <param name="sizes">How much stays allocated meanwhile.</param>
/// <param name="pages">Pages of an area, where a test leaves that open.</param>
/// <param name="threads">Number of threads.</param>
internal sealed partial class TestWorkload<TRanges>(TRanges ranges, TestSizes sizes, int pages, int threads)
    where TRanges : struct, IVmallocUnderTest
{
    private const int TableLength = 1 << 12;
    private const int Seed = 0x766d;
    private const nuint Page = Pfn.FrameBytes;

    private readonly nuint[][] _held = new nuint[threads][];
    private readonly nuint[][] _sizes = new nuint[threads][];
    private readonly nuint[][] _alignments = new nuint[threads][];
    private readonly TestTally[] _tallies = new TestTally[threads];

    /// <summary>Operations that got what they asked for.</summary>
    public long Passed => _tallies.Sum(t => t.Passed);

    /// <summary>Operations that were refused something.</summary>
    public long Failed => _tallies.Sum(t => t.Failed);

    /// <summary>A test's loop: the thread's number and how many operations it performs.</summary>
    public Action<int, int> LoopOf(string test) => test switch
    {
        VmallocTest.FixSize => FixSize,
        VmallocTest.FullFit => FullFit,
        VmallocTest.LongBusyList => LongBusyList,
        VmallocTest.RandomSize => RandomSize,
        VmallocTest.FixAlign => FixAlign,
        VmallocTest.RandomSizeAlign => RandomSizeAlign,
        VmallocTest.AlignShift => AlignShift,
        VmallocTest.PerCore => PerCore,
        VmallocTest.MapRam => MapRam,
        VmallocTest.NoBlock => NoBlock,
        _ => throw new ArgumentException($"The kernel's module has no test {test}.", nameof(test)),
    };

    /// <summary>Operations of a test's round are a multiple of this.</summary>
    public int GranularityOf(string test) => test switch
    {
        VmallocTest.AlignShift => Shifts,
        VmallocTest.PerCore => sizes.PerCoreObjects,
        _ => 1,
    };

    /// <summary>Prepares what a thread needs for a test.</summary>
    public void SetUp(int thread, string test)
    {
        _tallies[thread] = new TestTally();
        _held[thread] = [];
        MakeTables(thread, test);
        switch (test)
        {
            case VmallocTest.FullFit:
                LeaveHoles(thread);
                break;
            case VmallocTest.LongBusyList:
                Hold(thread, sizes.BusyAreas);
                break;
            case VmallocTest.PerCore:
                _held[thread] = new nuint[sizes.PerCoreObjects];
                break;
        }
    }

    /// <summary>Frees what a thread kept.</summary>
    public void TearDown(int thread, string test)
    {
        foreach (nuint address in test == VmallocTest.PerCore ? [] : _held[thread])
        {
            ranges.Free(address, Page);
        }

        _held[thread] = [];
    }

    private void MakeTables(int thread, string test)
    {
        const int PagesMax = 100;
        const int AlignedPagesMax = 10;
        const int AlignmentBits = 23;
        const int ObjectAlignmentBits = 11;
        var random = new Random(Seed + thread);
        bool isPerCore = test == VmallocTest.PerCore;
        int pagesMost = test == VmallocTest.RandomSize ? PagesMax : AlignedPagesMax;
        _sizes[thread] = new nuint[TableLength];
        _alignments[thread] = new nuint[TableLength];
        for (int i = 0; i < TableLength; i++)
        {
            _sizes[thread][i] = isPerCore ? (nuint)random.Next(1, ((int)Page / 4) + 1) : (nuint)random.Next(1, pagesMost + 1) * Page;
            _alignments[thread][i] = (nuint)1 << (isPerCore ? random.Next(1, ObjectAlignmentBits + 1) : random.Next(AlignmentBits));
        }
    }

    /// <summary>Allocates pairs of one page and frees the second of each, so that every hole fits one page exactly.</summary>
    private void LeaveHoles(int thread)
    {
        var seconds = new nuint[sizes.JunkPairs];
        _held[thread] = new nuint[sizes.JunkPairs];
        for (int i = 0; i < seconds.Length; i++)
        {
            _held[thread][i] = MustAlloc();
            seconds[i] = MustAlloc();
        }

        foreach (nuint second in seconds)
        {
            ranges.Free(second, Page);
        }
    }

    private void Hold(int thread, int areas)
    {
        _held[thread] = new nuint[areas];
        for (int i = 0; i < areas; i++)
        {
            _held[thread][i] = MustAlloc();
        }
    }

    private nuint MustAlloc()
    {
        nuint address = ranges.Alloc(Page, Page);
        return address != 0 ? address : throw new InsufficientMemoryException("There is no room for the areas that a test keeps.");
    }
}
