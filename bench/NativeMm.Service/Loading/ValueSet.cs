using System.Buffers.Binary;
using System.Text;

namespace NativeMm.Service.Loading;

/// <summary>The values by the number of their key: 100 B to 64 KiB, the logarithm evenly spread; the first eight bytes are the number.</summary>
internal sealed class ValueSet
{
    /// <summary>Bytes of the shortest value.</summary>
    public const int BytesMin = 100;

    /// <summary>Bytes of the longest value.</summary>
    public const int BytesMax = 64 << 10;

    private const int BlockBytes = 1 << 20;
    private readonly byte[] _block = new byte[BlockBytes + BytesMax];

    /// <summary>Makes the content.</summary>
    /// <param name="isCompressible">Text of records, or random bytes.</param>
    /// <param name="seed">Of what is drawn.</param>
    public ValueSet(bool isCompressible, int seed)
    {
        var random = new Random(seed);
        if (!isCompressible)
        {
            random.NextBytes(_block);
            return;
        }

        string[] words = ["pending", "shipped", "returned", "Amsterdam", "Lisbon", "Osaka", "standard", "express", "gift", "invoice"];
        for (int at = 0; at < _block.Length;)
        {
            string record = $"{{\"order\":{random.Next()},\"customer\":{random.Next(100_000)},\"state\":\"{words[random.Next(words.Length)]}\","
                + $"\"city\":\"{words[random.Next(words.Length)]}\",\"lines\":{random.Next(9)},\"total\":{random.Next(100_000)}}},\n";
            at += Encoding.ASCII.GetBytes(record.AsSpan(0, int.Min(record.Length, _block.Length - at)), _block.AsSpan(at));
        }
    }

    /// <summary>Length of a key's value.</summary>
    public static int LengthOf(int key) => (int)(BytesMin * Math.Pow((double)BytesMax / BytesMin, (Mix(key) >> 11) * (1.0 / (1UL << 53))));

    /// <summary>How many keys come to so many bytes, at least.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="total">What their values come to.</param>
    public static int CountFor(long bytes, out long total)
    {
        int count = 0;
        for (total = 0; total < bytes; count++)
        {
            total += LengthOf(count);
        }

        return count;
    }

    /// <summary>Writes a key's value.</summary>
    public void Write(int key, Span<byte> destination)
    {
        _block.AsSpan((int)(Mix(key) % BlockBytes), destination.Length).CopyTo(destination);
        BinaryPrimitives.WriteInt64LittleEndian(destination, key);
    }

    /// <summary>Whether these bytes are a key's value.</summary>
    public bool Matches(int key, ReadOnlySpan<byte> value) =>
        value.Length == LengthOf(key)
        && BinaryPrimitives.ReadInt64LittleEndian(value) == key
        && value[sizeof(long)..].SequenceEqual(_block.AsSpan((int)(Mix(key) % BlockBytes), value.Length)[sizeof(long)..]);

    // Steele, Lea and Flood's mixer.
    private static ulong Mix(int key)
    {
        ulong mixed = ((ulong)(uint)key + 1) * 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
