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

    /// <summary>Zone, bookkeeping and slab arrays have one size: whichever of them does not fit, all are made anew with half of it.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_automatic_capacity_is_halved_whichever_reservation_is_refused(FrameAllocatorKind kind)
    {
        ulong full = ZoneBytes(kind, failing: null, out int calls);
        Assert.True(calls >= 5);
        for (int n = 1; n <= calls; n++)
        {
            Assert.InRange(ZoneBytes(kind, n, out _), (full / 2) - (4 << 20), (full / 2) + (4 << 20));
        }
    }

    private static ulong ZoneBytes(FrameAllocatorKind kind, int? failing, out int calls)
    {
        var platform = new FaultyPlatform();
        if (failing is { } n)
        {
            platform.FailCall(n, kind: PlatformCall.Reserve);
        }

        ulong bytes;
        using (var runtime = new MemoryRuntime(new MemoryRuntimeOptions { FrameAllocator = kind, BackgroundTrim = false }, platform, isShared: false))
        {
            bytes = runtime.Frames.Zone.Bytes;
            calls = platform.Calls(PlatformCall.Reserve);
        }

        platform.AssertNothingLeaked();
        return bytes;
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
