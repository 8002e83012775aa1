namespace NativeMm.Service.Loading;

/// <summary>Numbers of keys, few of them often and most of them seldom. Immutable.</summary>
internal sealed class ZipfKeys
{
    private readonly int _count;
    private readonly double _skew;
    private readonly double _total;
    private readonly double _eta;

    /// <summary>Adds up the distribution.</summary>
    /// <param name="count">How many keys.</param>
    /// <param name="skew">The exponent, above 0 and below 1.</param>
    public ZipfKeys(int count, double skew)
    {
        _count = count;
        _skew = skew;
        for (int i = 1; i <= count; i++)
        {
            _total += Math.Pow(i, -skew);
        }

        _eta = (1 - Math.Pow(2.0 / count, 1 - skew)) / (1 - ((1 + Math.Pow(2, -skew)) / _total));
    }

    /// <summary>Draws a key, by the method of Gray and others ("Quickly generating billion-record synthetic databases", 1994).</summary>
    public int Next(Random random)
    {
        double chance = random.NextDouble();
        double place = chance * _total;
        int rank = place < 1 ? 0 : place < 1 + Math.Pow(0.5, _skew) ? 1 : (int)(_count * Math.Pow((_eta * chance) - _eta + 1, 1 / (1 - _skew)));

        // Neighbours by rank are not neighbours by number.
        return (int)((uint)int.Min(rank, _count - 1) * 2_654_435_761L % _count);
    }
}
