using System.Globalization;

namespace NativeMm.Soak.Shadow;

/// <summary>Who owns the pieces of one holding. Used under the lock of its slot.</summary>
internal sealed class Owner(ShadowMap shadow, string place, int number)
{
    private ulong _stamps;

    /// <summary>The map in which the pieces are.</summary>
    public ShadowMap Shadow => shadow;

    /// <summary>1 or more; unique among those alive.</summary>
    public int Number => number;

    /// <summary>What the owner has, for messages.</summary>
    public string Kind { get; set; } = "nothing";

    /// <summary>A pattern that nobody else has.</summary>
    public ulong NextStamp() => Chance.Mix(((ulong)number << 32) + ++_stamps);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Kind} of owner {number} in {place}");
}
