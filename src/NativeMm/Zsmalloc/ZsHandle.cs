using System.Globalization;

namespace NativeMm.Zsmalloc;

/// <summary>
/// Names an object in a <see cref="ZsPool"/>. It stays valid while the object moves, until the object is freed. 64 bits; <c>default</c> names
/// nothing.
/// </summary>
/// <remarks>
/// Bits 0 to 29 are the number of the handle's cell, bits 30 to 51 the cell's generation, bits 52 to 63 the tag of the pool. A handle that was
/// freed, or that another pool gave out, is refused with a <see cref="Diagnostics.MemoryFaultException"/>, never followed.
/// </remarks>
public readonly struct ZsHandle : IEquatable<ZsHandle>
{
    /// <summary>Makes a handle from a value that <see cref="Value"/> gave.</summary>
    /// <param name="value">The value.</param>
    public ZsHandle(ulong value) => Value = value;

    /// <summary>The handle as a number, for storing it elsewhere.</summary>
    public ulong Value { get; }

    /// <summary>Whether it names nothing.</summary>
    public bool IsNone => Value == 0;

    /// <inheritdoc/>
    public bool Equals(ZsHandle other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ZsHandle other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() => IsNone ? "none" : string.Create(CultureInfo.InvariantCulture, $"0x{Value:x16}");

    /// <summary>Whether both name the same object.</summary>
    public static bool operator ==(ZsHandle left, ZsHandle right) => left.Value == right.Value;

    /// <summary>Whether they name different objects.</summary>
    public static bool operator !=(ZsHandle left, ZsHandle right) => left.Value != right.Value;
}
