using NativeMm.Diagnostics;
using NativeMm.Heap.Checked;
using Xunit;

namespace NativeMm.Tests.Unit.Checked;

/// <summary>The ledger's life of a block, without any memory behind the addresses.</summary>
public sealed class LedgerShardTests
{
    private readonly LedgerShard _shard = new();

    [Fact]
    public void A_block_goes_from_live_to_freed_to_released_and_can_be_claimed_once()
    {
        CheckedBlock block = Block(0x1000);
        _shard.Add(block);
        Assert.Same(block, _shard.Find(0x1000, out BlockState state));
        Assert.Equal(BlockState.Live, state);
        Assert.Equal((1, 100ul), _shard.CountLive());
        Assert.Same(block, _shard.Claim(0x1000));
        Assert.Null(_shard.Claim(0x1000));
        Assert.Equal((0, 0ul), _shard.CountLive());
        Assert.Same(block, _shard.FindAround(0x1010, out state));
        Assert.Equal(BlockState.Freed, state);
        _shard.Release(block);
        Assert.Null(_shard.FindAround(0x1010, out _));
        Assert.Same(block, _shard.Find(0x1000, out state));
        Assert.Equal(BlockState.Released, state);
    }

    [Fact]
    public void Of_former_blocks_only_the_latest_are_remembered()
    {
        for (nuint i = 1; i <= 2000; i++)
        {
            _shard.Add(Block(i << 12));
            _shard.Release(_shard.Claim(i << 12)!);
        }

        Assert.Null(_shard.Find(1 << 12, out _));
        Assert.NotNull(_shard.Find(2000 << 12, out _));
    }

    [Fact]
    public void Forgetting_a_former_block_leaves_its_heir_alone()
    {
        _shard.Add(Block(0x1000));
        _shard.Release(_shard.Claim(0x1000)!);
        CheckedBlock heir = Block(0x1000);
        _shard.Add(heir);
        for (nuint i = 2; i <= 2000; i++)
        {
            _shard.Add(Block(i << 12));
            _shard.Release(_shard.Claim(i << 12)!);
        }

        Assert.Same(heir, _shard.Claim(0x1000));
    }

    [Fact]
    public void A_raw_heap_that_hands_a_live_block_out_twice_is_found_out()
    {
        _shard.Add(Block(0x1000));
        Assert.Throws<InvariantViolationException>(() => _shard.Add(Block(0x1000)));
    }

    private static CheckedBlock Block(nuint address) => new(address, 100, address - 32, 164, 16, allocatedAt: null);
}
