namespace NativeMm.Heap.Checked;

/// <summary>Every block of one checked heap, by address, spread over shards so that threads rarely meet. Thread-safe.</summary>
internal sealed class BlockLedger
{
    private const int ShardBits = 6;
    private const ulong GoldenRatio = 0x9E37_79B9_7F4A_7C15;

    private readonly LedgerShard[] _shards = [.. Enumerable.Range(0, 1 << ShardBits).Select(_ => new LedgerShard())];

    /// <inheritdoc cref="LedgerShard.Add"/>
    public void Add(CheckedBlock block) => ShardOf(block.Address).Add(block);

    /// <inheritdoc cref="LedgerShard.Find"/>
    public CheckedBlock? Find(nuint address, out BlockState state) => ShardOf(address).Find(address, out state);

    /// <inheritdoc cref="LedgerShard.Claim"/>
    public CheckedBlock? Claim(nuint address) => ShardOf(address).Claim(address);

    /// <inheritdoc cref="LedgerShard.Release"/>
    public void Release(CheckedBlock block) => ShardOf(block.Address).Release(block);

    /// <inheritdoc cref="LedgerShard.FindAround"/>
    public CheckedBlock? FindAround(nuint address, out BlockState state)
    {
        foreach (LedgerShard shard in _shards)
        {
            if (shard.FindAround(address, out state) is { } block)
            {
                return block;
            }
        }

        state = BlockState.Released;
        return null;
    }

    /// <inheritdoc cref="LedgerShard.VisitLive"/>
    public void VisitLive(Action<CheckedBlock> visit)
    {
        foreach (LedgerShard shard in _shards)
        {
            shard.VisitLive(visit);
        }
    }

    /// <inheritdoc cref="LedgerShard.ClaimAll"/>
    public void ClaimAll(ref CheckedBlockList into)
    {
        foreach (LedgerShard shard in _shards)
        {
            shard.ClaimAll(ref into);
        }
    }

    /// <summary>Live blocks and their bytes; exact at rest.</summary>
    public (long Blocks, ulong Bytes) CountLive()
    {
        long blocks = 0;
        ulong bytes = 0;
        foreach (LedgerShard shard in _shards)
        {
            (long shardBlocks, ulong shardBytes) = shard.CountLive();
            blocks += shardBlocks;
            bytes += shardBytes;
        }

        return (blocks, bytes);
    }

    private LedgerShard ShardOf(nuint address) => _shards[(int)(unchecked(address * GoldenRatio) >> (64 - ShardBits))];
}
