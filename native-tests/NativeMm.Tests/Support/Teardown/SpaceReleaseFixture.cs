using NativeMm.AddressSpaces;
using NativeMm.Primitives;
using NativeMm.Teardown;
using Xunit;

namespace NativeMm.Tests.Support.Teardown;

/// <summary>Spaces over frames of which each is accounted for, and workers. Disposing ends everything and checks that every frame came back, once.</summary>
internal sealed class SpaceReleaseFixture : IDisposable
{
    public const int Page = AddressSpace.PageBytes;

    /// <summary>Bytes of a leaf table's pages.</summary>
    public const long Leaf = 512L * Page;

    private readonly List<AddressSpace> _spaces = [];

    public SpaceReleaseFixture(TeardownStrategy strategy = TeardownStrategy.RangeSplit, int width = 2, long floor = 0, uint megabytes = 64, int threshold = 1000)
        : this(Options(strategy, width, floor, threshold), megabytes, startThread: null)
    {
    }

    public SpaceReleaseFixture(TeardownOptions options, uint megabytes, Action<ThreadStart>? startThread)
    {
        Frames = new LedgerFrames(megabytes);
        Workers = startThread is null ? new TeardownWorkers(options) : new TeardownWorkers(options) { StartThread = startThread };
        Space = Make();
    }

    public LedgerFrames Frames { get; }

    public EpochDomain Epochs { get; } = new();

    public TeardownWorkers Workers { get; }

    public AddressSpace Space { get; }

    /// <summary>Bytes that are accounted as decided and not given back.</summary>
    public long Releasing => Workers.Statistics.ReleasingBytes;

    public static TeardownOptions Options(TeardownStrategy strategy, int width, long floor = 0, int threshold = 1000) => new()
    {
        Strategy = strategy,
        MaxActive = width,
        InlineFloorBytes = floor,
        BatchThresholdFrames = threshold,
        MinimumGain = 0,
        StepTime = TimeSpan.FromMilliseconds(1),
    };

    /// <summary>One more space over the same frames.</summary>
    public AddressSpace Make()
    {
        var space = new AddressSpace(Frames, new AddressSpaceOptions { FaultPermits = 2 }, Epochs, swap: null, Workers);
        _spaces.Add(space);
        return space;
    }

    /// <summary>Maps a range and writes its number into each page of which a test wants one.</summary>
    public static void Populate(AddressSpace space, long address, long length, Func<long, bool>? which = null)
    {
        Assert.Equal(address, space.Map(length, Protection.ReadWrite, MapFlags.FixedNoReplace, address));
        for (long at = address; at < address + length; at += Page)
        {
            if (which is null || which((at - address) / Page))
            {
                space.Write(at, at);
            }
        }
    }

    /// <summary>Frames that are out, but for those that are kept for the next faults.</summary>
    public long AllocatedBytes()
    {
        foreach (AddressSpace space in _spaces)
        {
            space.Faults.FreeKept();
        }

        return Frames.Allocated * Page;
    }

    public void Dispose()
    {
        foreach (AddressSpace space in _spaces)
        {
            if (!space.IsDisposed)
            {
                space.Validate();
            }

            space.Dispose();
        }

        Workers.Dispose();
        Epochs.Dispose();
        Assert.Equal(0, Releasing);
        Frames.Dispose();
    }
}
