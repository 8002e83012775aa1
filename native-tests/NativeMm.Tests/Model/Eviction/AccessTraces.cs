namespace NativeMm.Tests.Model.Eviction;

/// <summary>Sequences of keys that replacement policies are told apart by.</summary>
internal static class AccessTraces
{
    /// <summary>0 to one below <paramref name="keys"/>, again and again.</summary>
    public static IEnumerable<long> Loop(int keys, int rounds, long first = 0)
    {
        for (int round = 0; round < rounds; round++)
        {
            for (int key = 0; key < keys; key++)
            {
                yield return first + key;
            }
        }
    }

    /// <summary>Keys by Zipf's law with exponent 1, the first the most frequent.</summary>
    public static IEnumerable<long> Zipf(int keys, int requests, int seed, long first = 0)
    {
        double[] sums = new double[keys];
        double sum = 0;
        for (int i = 0; i < keys; i++)
        {
            sum += 1.0 / (i + 1);
            sums[i] = sum;
        }

        var random = new Random(seed);
        for (int i = 0; i < requests; i++)
        {
            int at = Array.BinarySearch(sums, random.NextDouble() * sum);
            yield return first + Math.Min(keys - 1, at < 0 ? ~at : at);
        }
    }

    /// <summary>New keys, each of which is used once more when so many others have come after it. Nearly half of the requests can be hits.</summary>
    public static IEnumerable<long> UsedAgainAfter(int others, int requests)
    {
        for (int i = 0; i < requests / 2; i++)
        {
            yield return i;
            yield return Math.Max(0, i - others);
        }
    }

    /// <summary>A key of another sequence after each one, never the same twice.</summary>
    public static IEnumerable<long> WithScan(IEnumerable<long> keys, long firstOfScan)
    {
        foreach (long key in keys)
        {
            yield return key;
            yield return firstOfScan++;
        }
    }
}
