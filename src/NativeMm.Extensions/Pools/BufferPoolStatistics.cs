namespace NativeMm.Buffers;

/// <summary>
/// Where the bytes of a pool are, in block sizes. Exact at rest. At rest <c>AllocatedBytes − EvictedBytes = RentedNowBytes + PooledBytes</c>, as long as nothing
/// is rented that was too large to be pooled.
/// </summary>
/// <param name="RentedNowBytes">In the hands of the program.</param>
/// <param name="PooledBytes">Idle, with memory behind them.</param>
/// <param name="ReservedBytes">Managed arrays of the pool, with or without memory behind them: what the garbage collector counts.</param>
/// <param name="RentedBytes">Rented since the pool was made.</param>
/// <param name="AllocatedBytes">Rented without a block that had memory behind it, since the pool was made.</param>
/// <param name="EvictedBytes">Given back to the operating system, or left to the garbage collector, since the pool was made.</param>
/// <param name="RentsNow">Buffers that are rented at this moment.</param>
/// <param name="ExtraReturns">Returns of what was returned already. Each is a mistake of the program, which the checked mode names.</param>
/// <param name="Forgotten">Buffers that nobody returned and the garbage collector found; counted in checked mode.</param>
public readonly record struct BufferPoolStatistics(
    long RentedNowBytes,
    long PooledBytes,
    long ReservedBytes,
    long RentedBytes,
    long AllocatedBytes,
    long EvictedBytes,
    long RentsNow,
    long ExtraReturns,
    long Forgotten);
