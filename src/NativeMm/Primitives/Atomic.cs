using System.Runtime.CompilerServices;

namespace NativeMm.Primitives;

/// <summary>
/// The only place that touches <see cref="Volatile"/> and <see cref="Interlocked"/>. Names say the ordering; nothing here is more than one
/// processor instruction on x64 or arm64, except <see cref="ProcessWideFence"/>.
/// </summary>
internal static class Atomic
{
    /// <summary>Reads a word; later accesses of this thread stay behind the read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint LoadAcquire(ref readonly uint word) => Volatile.Read(in word);

    /// <inheritdoc cref="LoadAcquire(ref readonly uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LoadAcquire(ref readonly int word) => Volatile.Read(in word);

    /// <inheritdoc cref="LoadAcquire(ref readonly uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LoadAcquire(ref readonly ulong word) => Volatile.Read(in word);

    /// <inheritdoc cref="LoadAcquire(ref readonly uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long LoadAcquire(ref readonly long word) => Volatile.Read(in word);

    /// <inheritdoc cref="LoadAcquire(ref readonly uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint LoadAcquire(ref readonly nuint word) => Volatile.Read(in word);

    /// <inheritdoc cref="LoadAcquire(ref readonly uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T LoadAcquire<T>(ref readonly T reference)
        where T : class? => Volatile.Read(in reference);

    /// <summary>Reads a word that others write, in no order with anything: an instruction like any other load.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong LoadRelaxed(ref readonly ulong word) => word;

    /// <inheritdoc cref="LoadRelaxed(ref readonly ulong)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LoadRelaxed(ref readonly int word) => word;

    /// <inheritdoc cref="LoadRelaxed(ref readonly ulong)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint LoadRelaxed(ref readonly nuint word) => word;

    /// <summary>Writes a word; earlier accesses of this thread stay before the write.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ref uint word, uint value) => Volatile.Write(ref word, value);

    /// <inheritdoc cref="StoreRelease(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ref int word, int value) => Volatile.Write(ref word, value);

    /// <inheritdoc cref="StoreRelease(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ref ulong word, ulong value) => Volatile.Write(ref word, value);

    /// <inheritdoc cref="StoreRelease(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ref long word, long value) => Volatile.Write(ref word, value);

    /// <inheritdoc cref="StoreRelease(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease(ref nuint word, nuint value) => Volatile.Write(ref word, value);

    /// <inheritdoc cref="StoreRelease(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreRelease<T>(ref T reference, T value)
        where T : class? => Volatile.Write(ref reference, value);

    /// <summary>Replaces <paramref name="expected"/> by <paramref name="desired"/>; a full fence. Says whether it did.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange(ref uint word, uint expected, uint desired) =>
        Interlocked.CompareExchange(ref word, desired, expected) == expected;

    /// <inheritdoc cref="CompareExchange(ref uint, uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange(ref int word, int expected, int desired) =>
        Interlocked.CompareExchange(ref word, desired, expected) == expected;

    /// <inheritdoc cref="CompareExchange(ref uint, uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange(ref long word, long expected, long desired) =>
        Interlocked.CompareExchange(ref word, desired, expected) == expected;

    /// <inheritdoc cref="CompareExchange(ref uint, uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange(ref ulong word, ulong expected, ulong desired) =>
        Interlocked.CompareExchange(ref word, desired, expected) == expected;

    /// <inheritdoc cref="CompareExchange(ref uint, uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange(ref nuint word, nuint expected, nuint desired) =>
        Interlocked.CompareExchange(ref word, desired, expected) == expected;

    /// <inheritdoc cref="CompareExchange(ref uint, uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool CompareExchange<T>(ref T reference, T expected, T desired)
        where T : class? => ReferenceEquals(Interlocked.CompareExchange(ref reference, desired, expected), expected);

    /// <summary>Replaces <paramref name="expected"/> by <paramref name="desired"/>; a full fence. Gives the value it found.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong CompareExchangeValue(ref ulong word, ulong expected, ulong desired) =>
        Interlocked.CompareExchange(ref word, desired, expected);

    /// <inheritdoc cref="CompareExchangeValue(ref ulong, ulong, ulong)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint CompareExchangeValue(ref uint word, uint expected, uint desired) =>
        Interlocked.CompareExchange(ref word, desired, expected);

    /// <summary>Writes a value and gives the one that was there; a full fence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Exchange(ref uint word, uint value) => Interlocked.Exchange(ref word, value);

    /// <inheritdoc cref="Exchange(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Exchange(ref int word, int value) => Interlocked.Exchange(ref word, value);

    /// <inheritdoc cref="Exchange(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Exchange(ref ulong word, ulong value) => Interlocked.Exchange(ref word, value);

    /// <inheritdoc cref="Exchange(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint Exchange(ref nuint word, nuint value) => Interlocked.Exchange(ref word, value);

    /// <inheritdoc cref="Exchange(ref uint, uint)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exchange<T>(ref T reference, T value)
        where T : class? => Interlocked.Exchange(ref reference, value);

    /// <summary>Adds and gives the new value; a full fence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Add(ref long word, long addend) => Interlocked.Add(ref word, addend);

    /// <inheritdoc cref="Add(ref long, long)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Add(ref ulong word, ulong addend) => Interlocked.Add(ref word, addend);

    /// <inheritdoc cref="Add(ref long, long)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Add(ref uint word, uint addend) => Interlocked.Add(ref word, addend);

    /// <inheritdoc cref="Add(ref long, long)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Add(ref int word, int addend) => Interlocked.Add(ref word, addend);

    /// <summary>Sets bits and gives the value that was there; a full fence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Or(ref ulong word, ulong bits) => Interlocked.Or(ref word, bits);

    /// <inheritdoc cref="Or(ref ulong, ulong)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Or(ref uint word, uint bits) => Interlocked.Or(ref word, bits);

    /// <summary>Keeps only the given bits and gives the value that was there; a full fence.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong And(ref ulong word, ulong bits) => Interlocked.And(ref word, bits);

    /// <inheritdoc cref="And(ref ulong, ulong)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint And(ref uint word, uint bits) => Interlocked.And(ref word, bits);

    /// <summary>Earlier reads of this thread stay before later reads and writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ReadFence() => Volatile.ReadBarrier();

    /// <summary>Earlier reads and writes of this thread stay before later writes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteFence() => Volatile.WriteBarrier();

    /// <summary>No access of this thread crosses, in either direction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FullFence() => Interlocked.MemoryBarrier();

    /// <summary>
    /// Every thread of the process passes a full fence before this returns (<c>membarrier</c> on Linux). It is the expensive half of an
    /// asymmetric pair: 0.5 to 15 µs here buy a fast path without a fence elsewhere.
    /// </summary>
    public static void ProcessWideFence() => Interlocked.MemoryBarrierProcessWide();
}
