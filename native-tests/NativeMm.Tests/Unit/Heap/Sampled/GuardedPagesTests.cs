using NativeMm.Diagnostics;
using NativeMm.Heap.Sampled;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Heap.Sampled;

/// <summary>Slots with a forbidden page on either side: their life, their mistakes, and a system that refuses.</summary>
public sealed unsafe class GuardedPagesTests : IDisposable
{
    private const int Spare = 3;

    private readonly FaultyPlatform _platform = new();
    private readonly SampledGuards _owner = new(new SampledOptions(), "mine");
    private readonly GuardedPages _pages;

    public GuardedPagesTests()
    {
        Assert.True(GuardedPages.TryMake(_platform, GuardedPages.RestingMin + Spare, out GuardedPages? pages));
        _pages = pages;
    }

    private nuint Page => _platform.PageBytes;

    public void Dispose()
    {
        _pages.FreeAll(_owner);
        _pages.Validate(_owner);
        _pages.Release();
        _platform.AssertNothingLeaked();
    }

    [LinuxTheory]
    [InlineData(1, 16)]
    [InlineData(24, 16)]
    [InlineData(32, 32)]
    [InlineData(100, 16)]
    [InlineData(4000, 64)]
    [InlineData(4096, 4096)]
    public void A_block_lies_at_the_asked_end_of_its_page(int bytes, int alignment)
    {
        nuint atEnd = Open((nuint)bytes, (nuint)alignment, atEnd: true);
        nuint atBegin = Open((nuint)bytes, (nuint)alignment, atEnd: false);
        Assert.Equal(0u, atBegin % Page);
        Assert.Equal(0u, atEnd % (nuint)alignment);
        Assert.InRange((ulong)(Page - (((atEnd + (nuint)bytes - 1) % Page) + 1)), 0UL, (ulong)alignment - 1);
        new Span<byte>((void*)atEnd, bytes).Fill(1);
        new Span<byte>((void*)atBegin, bytes).Fill(2);
        _pages.Validate(_owner);
        Assert.Equal(((nuint)bytes, (nuint)bytes), (_pages.BytesOf(atEnd, _owner), _pages.BytesOf(atBegin, _owner)));
        Assert.Null(Free(atEnd));
        Assert.Null(Free(atBegin));
        Assert.Equal(0u, _pages.BytesOf(atEnd, _owner));
    }

    [LinuxFact]
    public void A_freed_slot_rests_until_all_that_were_free_before_were_taken()
    {
        nuint first = Open(16, 16, atEnd: false);
        Free(first);
        var seen = new HashSet<nuint>();
        for (int i = 0; i < GuardedPages.RestingMin + Spare - 1; i++)
        {
            nuint block = Open(16, 16, atEnd: false);
            Assert.NotEqual(first, block);
            Assert.True(seen.Add(block));
            Free(block);
        }

        Assert.Equal(first, Open(16, 16, atEnd: false));
    }

    [LinuxFact]
    public void When_few_slots_are_left_none_is_taken()
    {
        for (int i = 0; i < Spare; i++)
        {
            Open(16, 16, atEnd: false);
        }

        Assert.False(_pages.TryClaim(out _));
        _pages.FreeAll(_owner);
        Assert.True(_pages.TryClaim(out int index));
        _pages.GiveBack(index);
    }

    [LinuxTheory]
    [InlineData(-1)]
    [InlineData(17)]
    [InlineData(40)]
    public void A_byte_beside_the_block_that_was_written_is_found_at_the_free_and_the_block_is_freed(int offset)
    {
        nuint block = Open(17, 16, atEnd: offset < 0);
        *((byte*)block + offset) = 0;
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => _pages.Validate(_owner));
        Assert.Equal((MemoryFaultKind.Overrun, block + (nuint)offset), (fault.Kind, fault.Address));
        Assert.Equal(MemoryFaultKind.Overrun, Free(block)?.Kind);
        Assert.Contains("here it was born", fault.Message, StringComparison.Ordinal);
        _pages.Validate(_owner);
        Assert.Equal(0u, _pages.BytesOf(block, _owner));
    }

    [LinuxFact]
    public void A_rest_that_was_cleared_as_a_whole_is_no_overrun()
    {
        nuint block = Open(17, 16, atEnd: true);
        new Span<byte>((void*)block, 32).Clear();
        Assert.Null(Free(block));
    }

    [LinuxFact]
    public void Wrong_pointers_are_told_apart_and_change_nothing()
    {
        nuint live = Open(100, 16, atEnd: false);
        nuint freed = Open(100, 16, atEnd: false);
        Free(freed);
        var other = new SampledGuards(new SampledOptions(), "other");
        AssertMistake(MemoryFaultKind.NotBlockStart, "live", live + 16, _owner);
        AssertMistake(MemoryFaultKind.NotBlockStart, "live", live - 16, _owner);
        AssertMistake(MemoryFaultKind.NotBlockStart, "already freed", freed + 16, _owner);
        AssertMistake(MemoryFaultKind.WrongHeap, "not of heap 'other'", live, other);
        MemoryFaultException fault = AssertMistake(MemoryFaultKind.DoubleFree, "Double free", freed, _owner);
        Assert.Contains("here it was born", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Freed at:", fault.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Wrong_pointers_are_told_apart_and_change_nothing), fault.Message, StringComparison.Ordinal);
        Assert.Equal(MemoryFaultKind.UseAfterFree, _pages.Mistake(freed, "mine", "UsableSize").Kind);
        AssertMistake(MemoryFaultKind.ForeignPointer, "never held a block", live + (4 * Page), _owner);
        Assert.Equal(100u, _pages.BytesOf(live, _owner));
        Assert.False(_pages.Contains(live - (2 * Page)));
    }

    [LinuxFact]
    public void A_page_that_cannot_be_opened_goes_back()
    {
        for (int i = 0; i < 10; i++)
        {
            _platform.FailCall(1, kind: PlatformCall.Protect);
            Assert.Equal(0u, Open(16, 16, atEnd: false));
        }

        _platform.FailNothing();
        Assert.NotEqual(0u, Open(16, 16, atEnd: false));
    }

    [LinuxFact]
    public void A_page_that_cannot_be_forbidden_is_freed_all_the_same()
    {
        nuint block = Open(16, 16, atEnd: false);
        _platform.FailCall(1, times: 2);
        Assert.Null(Free(block));
        Assert.Equal(2, _platform.Failures);
        Assert.Equal(0xDF, *(byte*)block);
        Assert.Equal(MemoryFaultKind.DoubleFree, Assert.Throws<MemoryFaultException>(() => Free(block)).Kind);
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void When_the_system_refuses_the_range_nothing_is_left(int call)
    {
        var platform = new FaultyPlatform();
        platform.FailCall(call);
        Assert.False(GuardedPages.TryMake(platform, 100, out _));
        platform.AssertNothingLeaked();
    }

    [Fact]
    public void A_system_without_protection_has_no_guards() => Assert.False(GuardedPages.TryMake(new PortablePlatform(), 100, out _));

    private nuint Open(nuint bytes, nuint alignment, bool atEnd)
    {
        Assert.True(_pages.TryClaim(out int index));
        return _pages.Open(index, bytes, alignment, atEnd, _owner, "   here it was born");
    }

    private MemoryFaultException? Free(nuint block)
    {
        _pages.Free(block, _owner, out MemoryFaultException? overrun);
        return overrun;
    }

    private MemoryFaultException AssertMistake(MemoryFaultKind kind, string what, nuint address, SampledGuards owner)
    {
        MemoryFaultException fault = Assert.Throws<MemoryFaultException>(() => _pages.Free(address, owner, out _));
        Assert.Equal((kind, address), (fault.Kind, fault.Address));
        Assert.Contains(what, fault.Message, StringComparison.Ordinal);
        return fault;
    }
}
