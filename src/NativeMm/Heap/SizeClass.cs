using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;

namespace NativeMm.Heap;

/// <summary>
/// Number of a block size. Sizes grow by 16 bytes up to 256 and from there in eight even steps per doubling, so at most an eighth of a block
/// above 128 bytes is lost to rounding. 120 classes reach 2 MiB.
/// </summary>
/// <param name="value">0 to <see cref="Count"/> − 1.</param>
internal readonly struct SizeClass(int value) : IEquatable<SizeClass>
{
    /// <summary>Largest block that comes from a class, in bytes.</summary>
    public const int BytesMax = 2 << 20;

    /// <summary>Number of classes.</summary>
    public const int Count = ((21 - LinearShift) * Steps) + Steps;

    /// <summary>Largest size that goes by table.</summary>
    public const int SmallBytesMax = 4096;

    private const int Steps = 8;
    private const int LinearShift = 7;

    /// <summary>The class's number, ordered by size.</summary>
    public int Value { get; } = value;

    /// <summary>Bytes of a block of this class.</summary>
    public nuint BlockBytes
    {
        get
        {
            int doubling = Math.Max((Value / Steps) - 1, 0);
            int step = Value - (doubling * Steps) + 1;
            return (nuint)step << (LinearShift - 3 + doubling);
        }
    }

    /// <summary>The class for blocks of <c>last + 1</c> bytes.</summary>
    /// <param name="last">Offset of the last byte asked for; below <see cref="BytesMax"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint IndexOfLast(nuint last)
    {
        // The highest set bit selects the doubling, the three bits under it the step; sizes up to 128 share the first doubling's step width.
        uint exponent = 63 - (uint)BitOperations.LeadingZeroCount((ulong)last | (1UL << LinearShift));
        return ((exponent - LinearShift) * Steps) + (last >> (int)(exponent - 3));
    }

    /// <summary>The class for blocks of that many bytes, 1 to <see cref="BytesMax"/>.</summary>
    public static SizeClass ForBytes(nuint bytes)
    {
        Invariant.Assert(bytes is > 0 and <= BytesMax, $"Blocks of {bytes} bytes are of no class.");
        return new((int)IndexOfLast(bytes - 1));
    }

    /// <summary>Bytes of a block of that class: what <see cref="BlockBytes"/> of <see cref="ForBytes"/> says, in fewer steps.</summary>
    public static nuint BlockBytesFor(nuint bytes)
    {
        nuint last = bytes - 1;
        nuint step = (nuint)1 << (60 - BitOperations.LeadingZeroCount((ulong)last | (1UL << LinearShift)));
        return (last | (step - 1)) + 1;
    }

    /// <inheritdoc/>
    public bool Equals(SizeClass other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SizeClass other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value;
}
