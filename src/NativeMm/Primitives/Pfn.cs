using System.Globalization;

namespace NativeMm.Primitives;

/// <summary>
/// Number of a page frame inside one zone: <c>(address − zone base) / 4096</c>. It has no meaning outside its zone.
/// </summary>
/// <param name="value">The frame's index, counted from the first frame of the zone.</param>
public readonly struct Pfn(uint value) : IEquatable<Pfn>, IComparable<Pfn>
{
    /// <summary>Bytes of one page frame.</summary>
    public const int FrameBytes = 1 << FrameShift;

    internal const int FrameShift = 12;

    /// <summary>A value that is never the number of a frame.</summary>
    public static readonly Pfn None = new(uint.MaxValue);

    /// <summary>The index of the frame in its zone.</summary>
    public uint Value { get; } = value;

    /// <summary>Offset of the frame's first byte from the zone's base, in bytes.</summary>
    public nuint Offset => (nuint)Value << FrameShift;

    /// <inheritdoc/>
    public bool Equals(Pfn other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Pfn other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Value;

    /// <inheritdoc/>
    public int CompareTo(Pfn other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => this == None ? "none" : Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether both are the same frame number.</summary>
    public static bool operator ==(Pfn left, Pfn right) => left.Value == right.Value;

    /// <summary>Whether the frame numbers differ.</summary>
    public static bool operator !=(Pfn left, Pfn right) => left.Value != right.Value;

    /// <summary>Whether <paramref name="left"/> lies below <paramref name="right"/>.</summary>
    public static bool operator <(Pfn left, Pfn right) => left.Value < right.Value;

    /// <summary>Whether <paramref name="left"/> lies above <paramref name="right"/>.</summary>
    public static bool operator >(Pfn left, Pfn right) => left.Value > right.Value;

    /// <summary>Whether <paramref name="left"/> lies below or at <paramref name="right"/>.</summary>
    public static bool operator <=(Pfn left, Pfn right) => left.Value <= right.Value;

    /// <summary>Whether <paramref name="left"/> lies above or at <paramref name="right"/>.</summary>
    public static bool operator >=(Pfn left, Pfn right) => left.Value >= right.Value;
}
