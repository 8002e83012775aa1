using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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

    // Largest size that the table covers.
    private const int SmallBytesMax = 1024;

    private const int Steps = 8;
    private const int LinearShift = 7;

    /// <summary>Class of each multiple of 16 bytes from 0 up; a test holds it against <see cref="IndexOfLast"/>.</summary>
    private static ReadOnlySpan<byte> SmallTable =>
    [
        0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16, 16, 17, 17, 18, 18, 19, 19, 20, 20, 21, 21, 22, 22, 23,
        23, 24, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27,
        27, 28, 28, 28, 28, 29, 29, 29, 29, 30, 30, 30, 30, 31, 31, 31,
        31,
    ];

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
        uint exponent = (uint)BitOperations.Log2((ulong)last | (1UL << LinearShift));
        return ((exponent - LinearShift) * Steps) + (last >> (int)(exponent - 3));
    }

    /// <summary>
    /// Finds the class for a size. Small sizes go by table: three instructions where the general way takes eight, and one comparison instead
    /// of two.
    /// </summary>
    /// <param name="bytes">Any size; 0 counts as 1.</param>
    /// <param name="sizeClass">Number of the class.</param>
    /// <returns>False when no class is large enough.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryFind(nuint bytes, out nuint sizeClass)
    {
        if (bytes <= SmallBytesMax)
        {
            sizeClass = Unsafe.Add(ref MemoryMarshal.GetReference(SmallTable), (nint)((bytes + 15) >> 4));
            return true;
        }

        sizeClass = IndexOfLast(bytes - 1);
        return bytes <= BytesMax;
    }

    /// <summary>The class for blocks of that many bytes, 1 to <see cref="BytesMax"/>.</summary>
    public static SizeClass ForBytes(nuint bytes) => new((int)IndexOfLast(bytes - 1));

    /// <inheritdoc/>
    public bool Equals(SizeClass other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is SizeClass other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value;
}
