using NativeMm.Caching;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Heap;
using Xunit;

namespace NativeMm.Tests.Unit.Caching;

public sealed unsafe class CacheIndexMemoryTests
{
    [Fact]
    public void Pages_of_an_index_that_was_replaced_go_to_the_system_without_a_pass()
    {
        using var fixture = new HeapFixture();
        using var cache = new NativeCache(fixture.Runtime, new NativeCacheOptions { SizeLimit = 64 << 20 });
        Assert.Equal(0, fixture.Platform.Calls(PlatformCall.Discard));
        for (int i = 0; i < 200_000; i++)
        {
            Assert.True(cache.Set(BitConverter.GetBytes(i), new byte[8]));
        }

        Assert.NotEqual(0, fixture.Platform.Calls(PlatformCall.Discard));
        cache.Validate();
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(5 << 20)]
    public void A_block_whose_pages_were_given_up_is_not_resident_and_can_be_freed(int bytes)
    {
        using var fixture = new HeapFixture();
        void* block = fixture.Heap.Alloc((nuint)bytes);
        new Span<byte>(block, bytes).Fill(1);
        fixture.Heap.GiveUpPages(block, (nuint)bytes);
        Assert.True(fixture.Platform.CountResident((nuint)block, (nuint)bytes, out nuint pages).Succeeded);
        Assert.Equal(0u, pages);
        fixture.Heap.Free(block);
        Assert.Equal(0, fixture.LiveBlocks);
        fixture.Heap.Validate();
    }
}
