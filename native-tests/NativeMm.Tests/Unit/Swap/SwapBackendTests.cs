using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Runtime;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Swap;

/// <summary>What each backend owes to its caller.</summary>
public sealed class SwapBackendTests : IDisposable
{
    private const int Pages = 100;

    private readonly MemoryRuntime _runtime = new(new MemoryRuntimeOptions { CapacityBytes = 64 << 20 });

    public static TheoryData<string> Kinds => ["compressed", "file", "disk", "tiered"];

    public void Dispose() => _runtime.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Batch_comes_back_as_it_was(string kind)
    {
        using ISwapBackend swap = SwapUnderTest.Make(kind, _runtime);
        using PageBlock pages = PageBlock.Compressible(Pages, seed: 1);
        ulong[] slots = Store(swap, pages);
        AssertContent(swap, slots, pages);
        Assert.Equal(Pages, swap.GetStatistics().Pages);
        Assert.Equal(Pages, swap.GetStatistics().Loads);
        swap.Validate();
        FreeAll(swap, slots);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_reference_keeps_the_page_and_the_last_one_frees_it(string kind)
    {
        using ISwapBackend swap = SwapUnderTest.Make(kind, _runtime);
        using PageBlock pages = PageBlock.Compressible(3, seed: 7);
        ulong[] slots = Store(swap, pages);
        swap.Duplicate(slots[1]);
        swap.Duplicate(slots[1]);
        FreeAll(swap, slots, validate: false);
        Assert.Equal(1, swap.GetStatistics().Pages);
        swap.Free(slots[1]);
        AssertContent(swap, slots[1..2], pages, first: 1);
        swap.Validate();
        swap.Free(slots[1]);
        Assert.Equal(0, swap.GetStatistics().Pages);
        swap.Validate();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Space_is_used_again(string kind)
    {
        using ISwapBackend swap = SwapUnderTest.Make(kind, _runtime);
        using PageBlock pages = PageBlock.Compressible(64, seed: 3);
        ulong[] slots = Store(swap, pages);
        SwapStatistics first = swap.GetStatistics();
        FreeAll(swap, slots);
        for (int round = 0; round < 50; round++)
        {
            FreeAll(swap, Store(swap, pages), validate: false);
        }

        SwapStatistics last = swap.GetStatistics();
        Assert.Equal(first.FileBytes, last.FileBytes);
        Assert.InRange(last.CompressedBytes, 0, first.CompressedBytes);
        swap.Validate();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Freeing_and_duplicating_take_no_managed_memory(string kind)
    {
        using ISwapBackend swap = SwapUnderTest.Make(kind, _runtime);
        using PageBlock pages = PageBlock.Compressible(Pages, seed: 5);
        FreeAll(swap, Store(swap, pages), validate: false);
        Assert.Equal(0, ManagedBytes.Least(StoreAll, warmUps: 1));
        Assert.Equal(0, swap.GetStatistics().Pages);

        Action StoreAll()
        {
            ulong[] slots = Store(swap, pages);
            return () =>
            {
                foreach (ulong slot in slots)
                {
                    swap.Duplicate(slot);
                    swap.Free(slot);
                    swap.Free(slot);
                }
            };
        }
    }

    [Fact]
    public void Incompressible_pages_are_refused_one_by_one()
    {
        using ISwapBackend swap = SwapUnderTest.Make("compressed", _runtime);
        using var pages = new PageBlock(4);
        pages.Fill(i => i % 2 == 0 ? SamplePages.Incompressible(PageBlock.PageBytes, i) : SamplePages.Compressible(PageBlock.PageBytes, i));
        ulong[] slots = new ulong[4];
        Assert.Equal(2, swap.Store(pages.Addresses, slots));
        Assert.Equal([SwapSlot.Incompressible, SwapSlot.Incompressible], [slots[0], slots[2]]);
        Assert.True(SwapSlot.IsStored(slots[1]) && SwapSlot.IsStored(slots[3]));
        Assert.False(SwapSlot.IsStored(SwapSlot.Incompressible) || SwapSlot.IsStored(SwapSlot.NoRoom));
        Assert.Equal(2, swap.GetStatistics().Refusals);
    }

    [Fact]
    public void Budget_is_kept_and_there_is_room_again_after_a_free()
    {
        const long Budget = 32 * PageBlock.PageBytes;
        using CompressedSwap swap = SwapUnderTest.Compressed(_runtime, Budget);
        using PageBlock pages = PageBlock.Compressible(200, seed: 9);
        ulong[] slots = new ulong[200];
        int stored = swap.Store(pages.Addresses, slots);
        Assert.InRange(stored, 16, 199);
        Assert.Contains(SwapSlot.NoRoom, slots);
        Assert.InRange(swap.GetStatistics().CompressedBytes, 1, Budget);
        FreeAll(swap, [.. slots.Where(SwapSlot.IsStored)]);
        Assert.InRange(swap.Store(pages.Addresses, slots), 16, 199);
    }

    [Fact]
    public void What_memory_refuses_goes_to_the_file()
    {
        using var swap = new TieredSwap(
            SwapUnderTest.Compressed(_runtime, 16 * PageBlock.PageBytes, 3072), SwapUnderTest.OnFile());
        using var pages = new PageBlock(Pages);
        pages.Fill(i => i % 4 == 0 ? SamplePages.Incompressible(PageBlock.PageBytes, i) : SamplePages.Compressible(PageBlock.PageBytes, i));
        ulong[] slots = Store(swap, pages);
        SwapStatistics statistics = swap.GetStatistics();
        Assert.InRange(statistics.FilePages, Pages / 4, Pages - 1);
        Assert.Equal(Pages, statistics.FilePages + statistics.CompressedPages);
        Assert.Equal(0, statistics.Refusals);
        AssertContent(swap, slots, pages);
        FreeAll(swap, slots);
    }

    [Fact]
    public void Damaged_object_is_corrupted_and_no_other_page_is()
    {
        using CompressedSwap swap = SwapUnderTest.Compressed(_runtime);
        using PageBlock pages = PageBlock.Compressible(10, seed: 2);
        ulong[] slots = Store(swap, pages);
        swap.Pool.Write(swap.HandleOf(slots[4]), [0x55, 0xAA, 0x55, 0xAA], offset: 20);
        using var target = new PageBlock(1);
        Assert.Equal(SwapLoadKind.Corrupted, swap.Load(slots[4], target.Addresses[0]).Kind);
        Assert.Equal(1, swap.GetStatistics().FailedLoads);
        AssertContent(swap, slots[..4], pages);
        AssertContent(swap, slots[5..], pages, first: 5);
        FreeAll(swap, slots);
    }

    [Fact]
    public void Codec_that_throws_says_nothing_of_the_page()
    {
        var codec = new TestPageCodec();
        using var swap = new CompressedSwap(_runtime, codec, budgetBytes: 0, SwapUnderTest.PagesMax);
        using PageBlock pages = PageBlock.Compressible(10, seed: 4);
        ulong[] slots = Store(swap, pages);
        using var target = new PageBlock(1);
        codec.Decompressing = static () => throw new OutOfMemoryException("no context");
        SwapLoad load = swap.Load(slots[3], target.Addresses[0]);
        Assert.Equal((SwapLoadKind.CodecFailed, "no context"), (load.Kind, load.Thrown?.Message));
        codec.Decompressing = null;
        AssertContent(swap, slots, pages);
        FreeAll(swap, slots);
    }

    internal static ulong[] Store(ISwapBackend swap, PageBlock pages)
    {
        ulong[] slots = new ulong[pages.Addresses.Length];
        Assert.Equal(slots.Length, swap.Store(pages.Addresses, slots));
        Assert.All(slots, slot => Assert.True(SwapSlot.IsStored(slot)));
        Assert.Equal(slots.Length, slots.Distinct().Count());
        return slots;
    }

    internal static void AssertContent(ISwapBackend swap, ulong[] slots, PageBlock pages, int first = 0)
    {
        using var target = new PageBlock(1);
        for (int i = 0; i < slots.Length; i++)
        {
            target[0].Fill(0xCC);
            Assert.Equal(SwapLoadKind.Loaded, swap.Load(slots[i], target.Addresses[0]).Kind);
            Assert.True(target[0].SequenceEqual(pages[first + i]), $"page {first + i}");
        }
    }

    internal static void FreeAll(ISwapBackend swap, ulong[] slots, bool validate = true)
    {
        Array.ForEach(slots, swap.Free);
        if (validate)
        {
            Assert.Equal(0, swap.GetStatistics().Pages);
            swap.Validate();
        }
    }
}
