using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace NativeMm.Extensions;

/// <summary>A bound on memory: bytes, or a share of what the container or the machine has.</summary>
public readonly record struct MemoryLimit
{
    private MemoryLimit(long bytes, double share)
    {
        Bytes = bytes;
        Share = share;
    }

    /// <summary>Bytes; 0 for a share.</summary>
    public long Bytes { get; }

    /// <summary>The share, above 0 and up to 1; 0 for bytes.</summary>
    public double Share { get; }

    /// <summary>A number of bytes.</summary>
    /// <param name="bytes">Above 0.</param>
    /// <returns>The limit.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public static MemoryLimit FromBytes(long bytes) =>
        bytes > 0 ? new(bytes, 0) : throw new ArgumentOutOfRangeException(nameof(bytes), bytes, $"A limit is 1 byte or more, not {bytes}.");

    /// <summary>A share of the container's limit, or of the machine's memory without one.</summary>
    /// <param name="share">Above 0 and up to 1.</param>
    /// <returns>The limit.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0 and up to 1.</exception>
    public static MemoryLimit FromShare(double share) =>
        share is > 0 and <= 1 ? new(0, share) : throw new ArgumentOutOfRangeException(nameof(share), share, $"A share is above 0 and up to 1, not {share}.");

    /// <summary>Reads <c>512MiB</c>, <c>1.5 GiB</c>, <c>400000000</c> or <c>80%</c>.</summary>
    /// <param name="text">The limit as an option of the configuration has it.</param>
    /// <param name="limit">What was read, if the text is understood.</param>
    /// <returns>Whether the text is a limit; false for null, for what is no number with a unit, and for what is not positive.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out MemoryLimit limit)
    {
        limit = default;
        string trimmed = text?.Trim() ?? "";
        if (trimmed.EndsWith('%'))
        {
            bool isShare = double.TryParse(trimmed[..^1].TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent)
                && percent is > 0 and <= 100;
            limit = isShare ? new(0, percent / 100) : default;
            return isShare;
        }

        bool isBytes = ByteSize.TryParse(trimmed, out long bytes) && bytes > 0;
        limit = isBytes ? new(bytes, 0) : default;
        return isBytes;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        Share > 0 ? (Share * 100).ToString("0.##", CultureInfo.InvariantCulture) + "%" : Bytes.ToString(CultureInfo.InvariantCulture);

    /// <summary>The bytes that it stands for.</summary>
    /// <param name="available">What the container or the machine has.</param>
    internal long Resolve(ulong available) => Share > 0 ? (long)(available * Share) : Bytes;
}
