using System.Globalization;
using System.Numerics;
using System.Text;
using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>A set of logical processors. Immutable; written as the kernel writes lists: <c>0-3,8</c>.</summary>
internal sealed class CoreSet : IEquatable<CoreSet>
{
    /// <summary>No processor.</summary>
    public static readonly CoreSet Empty = new([]);

    private const int BitsPerWord = 64;
    private const int CoresMax = 1 << 16;
    private readonly ulong[] _words;

    private CoreSet(ulong[] words) => _words = words;

    /// <summary>How many processors are in the set.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            foreach (ulong word in _words)
            {
                count += BitOperations.PopCount(word);
            }

            return count;
        }
    }

    /// <summary>The mask, 64 processors a word, lowest first.</summary>
    public ReadOnlySpan<ulong> Words => _words;

    /// <summary>Makes a set from a mask.</summary>
    public static CoreSet FromWords(ReadOnlySpan<ulong> words) => new(words.TrimEnd(0UL).ToArray());

    /// <summary>Makes a set of one processor.</summary>
    public static CoreSet Of(CoreId core)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(core.Value);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(core.Value, CoresMax);
        ulong[] words = new ulong[(core.Value / BitsPerWord) + 1];
        words[^1] = 1UL << (core.Value % BitsPerWord);
        return new CoreSet(words);
    }

    /// <summary>Reads a kernel list such as <c>0-3,8</c>. An empty text is the empty set.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out CoreSet cores)
    {
        cores = Empty;
        text = text.Trim();
        ulong[] words = [];
        foreach (Range part in text.Split(','))
        {
            ReadOnlySpan<char> piece = text[part].Trim();
            if (piece.IsEmpty && text.IsEmpty)
            {
                return true;
            }

            int dash = piece.IndexOf('-');
            ReadOnlySpan<char> low = dash < 0 ? piece : piece[..dash];
            ReadOnlySpan<char> high = dash < 0 ? piece : piece[(dash + 1)..];
            if (!TryParseCore(low, out int first) || !TryParseCore(high, out int last) || last < first)
            {
                return false;
            }

            Array.Resize(ref words, int.Max(words.Length, (last / BitsPerWord) + 1));
            for (int core = first; core <= last; core++)
            {
                words[core / BitsPerWord] |= 1UL << (core % BitsPerWord);
            }
        }

        cores = FromWords(words);
        return true;
    }

    /// <summary>Whether a processor is in the set.</summary>
    public bool Contains(CoreId core) =>
        (uint)core.Value / BitsPerWord < (uint)_words.Length && (_words[core.Value / BitsPerWord] >> (core.Value % BitsPerWord) & 1) != 0;

    /// <summary>The processors of the set, lowest first.</summary>
    public IReadOnlyList<CoreId> ToList()
    {
        var cores = new List<CoreId>(Count);
        for (int core = 0; core < _words.Length * BitsPerWord; core++)
        {
            if (Contains(new CoreId(core)))
            {
                cores.Add(new CoreId(core));
            }
        }

        return cores;
    }

    /// <inheritdoc/>
    public bool Equals(CoreSet? other) => other is not null && _words.AsSpan().SequenceEqual(other._words);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CoreSet);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (ulong word in _words)
        {
            hash.Add(word);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        int end = _words.Length * BitsPerWord;
        for (int core = 0; core < end; core++)
        {
            int first = core;
            while (core < end && Contains(new CoreId(core)))
            {
                core++;
            }

            if (core > first)
            {
                text.Append(text.Length == 0 ? "" : ",").Append(CultureInfo.InvariantCulture, $"{first}");
                text.Append(core - 1 == first ? "" : string.Create(CultureInfo.InvariantCulture, $"-{core - 1}"));
            }
        }

        return text.ToString();
    }

    private static bool TryParseCore(ReadOnlySpan<char> text, out int core) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out core) && core < CoresMax;
}
