using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty.Runtime;

/// <summary>The platform refuses each call of a runtime's construction in turn.</summary>
public sealed class RuntimeFaultyPlatformTests
{
    public static TheoryData<FrameAllocatorKind> Kinds => [.. Enum.GetValues<FrameAllocatorKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Whatever_call_of_the_construction_fails_nothing_leaks(FrameAllocatorKind kind)
    {
        int calls = Construct(kind, failing: null, out _);
        Assert.True(calls >= 7, "Zone, descriptors, frame bookkeeping, three slab arrays and the advice are seven calls at least.");
        int refused = 0;
        for (int n = 1; n <= calls; n++)
        {
            Construct(kind, n, out bool threw);
            refused += threw ? 1 : 0;
        }

        // Only the advice about huge pages may be refused without harm: for the zone and the four arrays beside it.
        Assert.Equal(calls - 5, refused);
    }

    private static int Construct(FrameAllocatorKind kind, int? failing, out bool threw)
    {
        var platform = new FaultyPlatform();
        if (failing is { } n)
        {
            platform.FailCall(n);
        }

        threw = false;
        int calls = 0;
        try
        {
            var options = new MemoryRuntimeOptions { CapacityBytes = 64 << 20, FrameAllocator = kind, BackgroundTrim = false, HugePages = true };
            using var runtime = new MemoryRuntime(options, platform, isShared: false);
            calls = platform.TotalCalls;
            runtime.Validate();
        }
        catch (OutOfMemoryException e)
        {
            threw = true;
            Assert.Contains("ENOMEM", e.Message, StringComparison.Ordinal);
        }

        platform.AssertNothingLeaked();
        return calls;
    }
}
