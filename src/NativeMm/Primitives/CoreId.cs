using System.Globalization;

namespace NativeMm.Primitives;

/// <summary>Number of a logical processor, as the operating system counts them.</summary>
/// <param name="value">0 or more.</param>
public readonly struct CoreId(int value) : IEquatable<CoreId>
{
    /// <summary>The processor's number.</summary>
    public int Value { get; } = value;

    /// <summary>
    /// The processor that the calling thread ran on a moment ago. Only a hint: the thread may have moved since.
    /// </summary>
    public static CoreId CurrentHint => new(Thread.GetCurrentProcessorId());

    /// <inheritdoc/>
    public bool Equals(CoreId other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is CoreId other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Whether both are the same processor.</summary>
    public static bool operator ==(CoreId left, CoreId right) => left.Value == right.Value;

    /// <summary>Whether the processors differ.</summary>
    public static bool operator !=(CoreId left, CoreId right) => left.Value != right.Value;
}
