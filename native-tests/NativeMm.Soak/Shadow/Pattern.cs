using System.Globalization;

namespace NativeMm.Soak.Shadow;

/// <summary>What an owner writes into his bytes: each word depends on the owner's stamp and its place, so that nobody else's content passes for it.</summary>
internal static unsafe class Pattern
{
    private const int EdgeBytes = 64;
    private const ulong Step = 0x9E3779B97F4A7C15;

    /// <summary>Writes the pattern.</summary>
    public static void Fill(byte* bytes, nuint count, ulong stamp)
    {
        nuint words = count / sizeof(ulong);
        for (nuint i = 0; i < words; i++)
        {
            ((ulong*)bytes)[i] = Word(stamp, i);
        }

        for (nuint i = words * sizeof(ulong); i < count; i++)
        {
            bytes[i] = ByteAt(stamp, i);
        }
    }

    /// <summary>Writes the pattern into a span.</summary>
    public static void Fill(Span<byte> bytes, ulong stamp)
    {
        fixed (byte* first = bytes)
        {
            Fill(first, (nuint)bytes.Length, stamp);
        }
    }

    /// <summary>Writes words that do not compress.</summary>
    public static void FillRandom(Span<byte> bytes, ulong stamp)
    {
        Span<ulong> words = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = Chance.Mix(stamp + (ulong)i);
        }
    }

    /// <summary>Compares all bytes, or both ends of them.</summary>
    /// <exception cref="FindingException">A byte is another.</exception>
    public static void Check(byte* bytes, nuint count, ulong stamp, bool whole, string who)
    {
        if (whole || count <= 2 * EdgeBytes)
        {
            CheckFrom(bytes, 0, count, stamp, who);
            return;
        }

        CheckFrom(bytes, 0, EdgeBytes, stamp, who);
        CheckFrom(bytes, (count - EdgeBytes) & ~(nuint)(sizeof(ulong) - 1), count, stamp, who);
    }

    /// <summary>Compares all bytes of a span.</summary>
    /// <exception cref="FindingException">A byte is another.</exception>
    public static void Check(ReadOnlySpan<byte> bytes, ulong stamp, string who)
    {
        fixed (byte* first = bytes)
        {
            CheckFrom(first, 0, (nuint)bytes.Length, stamp, who);
        }
    }

    /// <summary>Compares with zero.</summary>
    /// <exception cref="FindingException">A byte is not zero.</exception>
    public static void CheckZero(byte* bytes, nuint count, string who)
    {
        for (nuint done = 0; done < count;)
        {
            int piece = (int)nuint.Min(count - done, 1 << 20);
            int at = new ReadOnlySpan<byte>(bytes + done, piece).IndexOfAnyExcept((byte)0);
            if (at >= 0)
            {
                throw new FindingException(
                    who, (nuint)bytes + done + (nuint)at, "zero", string.Create(CultureInfo.InvariantCulture, $"{bytes[done + (nuint)at]:x2} at offset {done + (nuint)at} of {count}"));
            }

            done += (nuint)piece;
        }
    }

    private static void CheckFrom(byte* bytes, nuint from, nuint to, ulong stamp, string who)
    {
        nuint words = to / sizeof(ulong);
        for (nuint i = from / sizeof(ulong); i < words; i++)
        {
            ulong found = ((ulong*)bytes)[i];
            if (found != Word(stamp, i))
            {
                throw new FindingException(
                    who,
                    (nuint)(bytes + (i * sizeof(ulong))),
                    string.Create(CultureInfo.InvariantCulture, $"{Word(stamp, i):x16}"),
                    string.Create(CultureInfo.InvariantCulture, $"{found:x16} at offset {i * sizeof(ulong)} of {to}"));
            }
        }

        for (nuint i = words * sizeof(ulong); i < to; i++)
        {
            if (bytes[i] != ByteAt(stamp, i))
            {
                throw new FindingException(
                    who,
                    (nuint)(bytes + i),
                    string.Create(CultureInfo.InvariantCulture, $"{ByteAt(stamp, i):x2}"),
                    string.Create(CultureInfo.InvariantCulture, $"{bytes[i]:x2} at offset {i} of {to}"));
            }
        }
    }

    private static ulong Word(ulong stamp, nuint index) => (stamp + index) * Step;

    private static byte ByteAt(ulong stamp, nuint offset) => (byte)(Word(stamp, offset / sizeof(ulong)) >> (int)(offset % sizeof(ulong) * 8));
}
