namespace NativeMm.Buffers;

/// <summary>What a <see cref="NativeMemoryPool"/> has handed out. Counters are read one after another: the figures are exact at rest.</summary>
/// <param name="RentedNow">Buffers that are rented at this moment.</param>
/// <param name="BytesRented">Bytes in them.</param>
/// <param name="TotalRents">Rents since the pool was made.</param>
/// <param name="Forgotten">Rents that nobody disposed and the garbage collector brought back.</param>
public readonly record struct NativeMemoryPoolStatistics(long RentedNow, long BytesRented, long TotalRents, long Forgotten);
