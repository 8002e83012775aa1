using System.Globalization;
using System.Numerics;

namespace NativeMm.Primitives;

/// <summary>
/// Size of a block of frames as a power of two: order 0 is one frame (4 KiB), order 9 is 2 MiB, order 10 is 4 MiB.
/// A block of order <c>n</c> starts at a frame number that is a multiple of <c>2ⁿ</c>.
/// </summary>
public readonly struct Order : IEquatable<Order>, IComparable<Order>
{
    /// <summary>The largest order that the frame allocators hand out.</summary>
    public const int MaxValue = 10;

    /// <summary>Number of different orders.</summary>
    public const int Count = MaxValue + 1;

    /// <summary>One frame.</summary>
    public static readonly Order Zero;

    /// <summary>512 frames: 2 MiB, the size of a huge page.</summary>
    public static readonly Order Huge = new(9);

    /// <summary>The largest block: 1024 frames, 4 MiB.</summary>
    public static readonly Order Max = new(MaxValue);

    private readonly byte _value;

    /// <summary>Makes an order from its number.</summary>
    /// <param name="value">0 to <see cref="MaxValue"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="value"/> is outside that range.</exception>
    public Order(int value)
    {
        if ((uint)value > MaxValue)
        {
            ThrowOutOfRange(value);
        }

        _value = (byte)value;
    }

    /// <summary>The exponent, 0 to <see cref="MaxValue"/>.</summary>
    public int Value => _value;

    /// <summary>Frames in a block of this order.</summary>
    public uint Frames => 1u << _value;

    /// <summary>Bytes in a block of this order.</summary>
    public nuint Bytes => (nuint)Pfn.FrameBytes << _value;

    /// <summary>The smallest order whose block holds that many bytes.</summary>
    /// <param name="bytes">Up to 4 MiB.</param>
    /// <returns>The order; that of one frame for 0 bytes.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bytes"/> does not fit the largest order.</exception>
    public static Order ForBytes(nuint bytes)
    {
        if (bytes > Max.Bytes)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"A block is at most {Max.Bytes} bytes, not {bytes}.");
        }

        nuint frames = (bytes + Pfn.FrameBytes - 1) >> Pfn.FrameShift;
        return new Order(frames <= 1 ? 0 : BitOperations.Log2((ulong)(frames - 1)) + 1);
    }

    /// <inheritdoc/>
    public bool Equals(Order other) => _value == other._value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Order other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _value;

    /// <inheritdoc/>
    public int CompareTo(Order other) => _value.CompareTo(other._value);

    /// <inheritdoc/>
    public override string ToString() => _value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether both are the same order.</summary>
    public static bool operator ==(Order left, Order right) => left._value == right._value;

    /// <summary>Whether the orders differ.</summary>
    public static bool operator !=(Order left, Order right) => left._value != right._value;

    /// <summary>Whether <paramref name="left"/> is the smaller block.</summary>
    public static bool operator <(Order left, Order right) => left._value < right._value;

    /// <summary>Whether <paramref name="left"/> is the larger block.</summary>
    public static bool operator >(Order left, Order right) => left._value > right._value;

    /// <summary>Whether <paramref name="left"/> is not the larger block.</summary>
    public static bool operator <=(Order left, Order right) => left._value <= right._value;

    /// <summary>Whether <paramref name="left"/> is not the smaller block.</summary>
    public static bool operator >=(Order left, Order right) => left._value >= right._value;

    private static void ThrowOutOfRange(int value) =>
        throw new ArgumentOutOfRangeException(nameof(value), value, $"An order is 0 to {MaxValue}, not {value}.");
}
