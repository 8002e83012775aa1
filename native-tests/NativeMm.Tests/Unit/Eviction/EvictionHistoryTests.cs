using System.Runtime.InteropServices;
using NativeMm.Eviction;
using Xunit;

namespace NativeMm.Tests.Unit.Eviction;

public sealed unsafe class EvictionHistoryTests : IDisposable
{
    private const uint Items = 4096;
    private const int Bits = 10;

    private readonly byte* _memory = (byte*)NativeMemory.AlignedAlloc(EvictionHistory.BytesFor(Items), EvictionHistory.LineBytes);
    private EvictionHistory _history;

    public EvictionHistoryTests()
    {
        NativeMemory.Clear(_memory, EvictionHistory.BytesFor(Items));
        _history.Attach(_memory, Items, Bits);
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    [Theory]
    [InlineData(1u, 64u)]
    [InlineData(16u, 64u)]
    [InlineData(17u, 128u)]
    [InlineData(1_000_000u, 4_000_000u)]
    [InlineData(uint.MaxValue, 1UL << 34)]
    public void Item_takes_four_bytes_at_most_and_a_line_is_the_least(uint items, ulong bytes) =>
        Assert.Equal(bytes, EvictionHistory.BytesFor(items));

    [Fact]
    public void What_left_is_known_once()
    {
        _history.Put(Hash(1), 7);
        _history.Put(Hash(2), 1023);
        Assert.Equal(7u, _history.Take(Hash(1)));
        Assert.Equal(0u, _history.Take(Hash(1)));
        Assert.Equal(1023u, _history.Take(Hash(2)));
    }

    [Fact]
    public void Tag_of_zeros_is_no_empty_place()
    {
        Assert.Equal(0u, _history.Take(0));
        _history.Put(0, 5);
        Assert.Equal(5u, _history.Take(0));
        Assert.Equal(0u, _history.Take(0));
    }

    [Fact]
    public void Nothing_worth_keeping_takes_no_place()
    {
        for (uint i = 0; i < 1000; i++)
        {
            _history.Put(0, 0);
        }

        Assert.True(new ReadOnlySpan<byte>(_memory, (int)EvictionHistory.BytesFor(Items)).IndexOfAnyExcept((byte)0) < 0);
    }

    [Fact]
    public void Last_of_as_many_as_stay_in_are_known_and_strangers_are_not()
    {
        const uint Left = 10 * Items;
        for (uint i = 0; i < Left; i++)
        {
            _history.Put(Hash(i), (i % 1023) + 1);
        }

        int known = 0;
        int mistaken = 0;
        for (uint i = Left - Items; i < Left; i++)
        {
            known += _history.Take(Hash(i)) == (i % 1023) + 1 ? 1 : 0;
            mistaken += _history.Take(Hash(i + Left)) != 0 ? 1 : 0;
        }

        Assert.InRange(known, (int)(Items * 0.95), (int)Items);
        Assert.InRange(mistaken, 0, (int)(Items * 0.02));
    }

    [Fact]
    public void Place_that_was_taken_is_used_before_anything_is_forgotten()
    {
        // All in one line, told apart by their tags.
        for (uint i = 1; i <= 24; i++)
        {
            _history.Put(i, i);
        }

        Assert.Equal(9u, _history.Take(9));
        _history.Put(100, 100);
        for (uint i = 1; i <= 24; i++)
        {
            Assert.Equal(i == 9 ? 0 : i, _history.Take(i));
        }

        Assert.Equal(100u, _history.Take(100));
    }

    [Fact]
    public void Oldest_of_a_line_is_forgotten()
    {
        for (uint i = 1; i <= 25; i++)
        {
            _history.Put(i, i);
        }

        Assert.Equal(0u, _history.Take(1));
        Assert.Equal(2u, _history.Take(2));
        Assert.Equal(25u, _history.Take(25));
    }

    private static ulong Hash(ulong key)
    {
        ulong x = (key + 1) * 0x9E3779B97F4A7C15;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
