using NativeMm.Frames;
using NativeMm.Platform;
using NativeMm.Primitives;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>Frames whose owner writes to them at once come with their pages.</summary>
public sealed unsafe class PopulateTests
{
    private const ulong ZoneBytes = 8 << 20;

    private readonly FaultyPlatform _platform = new();

    public static TheoryData<FrameVariant> Variants => FrameVariants.All;

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Frames_that_are_to_be_written_are_resident(FrameVariant variant) => Use(variant, frames =>
    {
        Assert.True(frames.TryAllocate(Order.Zero, FrameFlags.Populate, out Pfn frame, out _));

        Assert.Equal(1u, Resident(frames, frame, 1));
        Assert.NotEqual(0, _platform.Calls(PlatformCall.Commit));
        frames.Free(frame, Order.Zero);
    });

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Others_cost_addresses_alone(FrameVariant variant) => Use(variant, frames =>
    {
        Assert.True(frames.TryAllocate(new Order(4), FrameFlags.None, out Pfn frame, out _));

        Assert.Equal(0u, Resident(frames, frame, 16));
        Assert.Equal(0, _platform.Calls(PlatformCall.Commit));
        frames.Free(frame, new Order(4));
    });

    [LinuxTheory]
    [InlineData(FrameVariant.LockFree)]
    [InlineData(FrameVariant.LockFreeOneCore)]
    public void One_call_serves_a_granule_and_what_was_touched_is_asked_for_no_more(FrameVariant variant) => Use(variant, frames =>
    {
        var taken = new Pfn[16];
        for (int i = 0; i < taken.Length; i++)
        {
            Assert.True(frames.TryAllocate(Order.Zero, FrameFlags.Populate, out taken[i], out _));
        }

        Assert.Equal(1, _platform.Calls(PlatformCall.Commit));
        Assert.Equal(16u, Resident(frames, taken[0], 16));
        frames.FreeBulk(taken, Order.Zero);
    });

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void Many_at_once_are_resident_and_a_huge_block_is(FrameVariant variant) => Use(variant, frames =>
    {
        var taken = new Pfn[100];
        Assert.Equal(taken.Length, frames.AllocateBulk(Order.Zero, FrameFlags.Populate | FrameFlags.Zeroed, taken));
        Assert.All(taken, frame => Assert.Equal(1u, Resident(frames, frame, 1)));
        Assert.True(frames.TryAllocate(Order.Huge, FrameFlags.Populate, out Pfn block, out _));

        Assert.Equal(512u, Resident(frames, block, 512));
        frames.FreeBulk(taken, Order.Zero);
        frames.Free(block, Order.Huge);
    });

    [LinuxTheory]
    [MemberData(nameof(Variants))]
    public void A_refusal_leaves_the_pages_to_their_first_touch(FrameVariant variant) => Use(variant, frames =>
    {
        _platform.FailCall(1, ErrorNumber.OutOfMemory, PlatformCall.Commit, times: int.MaxValue);
        Assert.True(frames.TryAllocate(Order.Zero, FrameFlags.Populate | FrameFlags.Zeroed, out Pfn frame, out bool isZero));

        Assert.True(isZero);
        Assert.NotEqual(0, _platform.Failures);
        var content = new Span<byte>(frames.Zone.AddressOf(frame), Pfn.FrameBytes);
        Assert.Equal(-1, content.IndexOfAnyExcept((byte)0));
        content.Fill(7);
        frames.Free(frame, Order.Zero);
    });

    private void Use(FrameVariant variant, Action<IFrameAllocator> test)
    {
        Assert.True(FrameZone.TryCreate(_platform, ZoneKind.Normal, ZoneBytes, out FrameZone? zone).Succeeded);
        IFrameAllocator[] chain = FrameVariants.Create(variant, zone!);
        test(chain[0]);
        chain[0].Validate();
        foreach (IFrameAllocator allocator in chain)
        {
            allocator.Dispose();
        }

        zone!.Dispose();
    }

    private uint Resident(IFrameAllocator frames, Pfn first, uint count)
    {
        Assert.True(_platform.CountResident((nuint)frames.Zone.AddressOf(first), count * (nuint)Pfn.FrameBytes, out nuint pages).Succeeded);
        return (uint)pages;
    }
}
