using System.Globalization;
using System.Text;

namespace NativeMm.Explorer.Machine;

/// <summary>Choices as a short text: digits; runs of zeros as z and their length.</summary>
internal static class Seeds
{
    /// <summary>Writes choices; zeros at the end are left out, because an execution chooses 0 by itself.</summary>
    public static string Write(ReadOnlySpan<byte> choices)
    {
        var text = new StringBuilder();
        choices = choices.TrimEnd((byte)0);
        for (int i = 0; i < choices.Length;)
        {
            int zeros = choices[i..].IndexOfAnyExcept((byte)0);
            if (zeros > 0)
            {
                text.Append(CultureInfo.InvariantCulture, $"z{zeros}.");
                i += zeros;
            }
            else
            {
                text.Append((char)(choices[i] < 10 ? '0' + choices[i] : 'A' + choices[i] - 10));
                i++;
            }
        }

        return text.Length == 0 ? "0" : text.ToString();
    }

    /// <summary>Reads choices, and gives their number.</summary>
    public static int Read(string seed, Span<byte> choices)
    {
        int count = 0;
        for (int i = 0; i < seed.Length; i++)
        {
            if (seed[i] == 'z')
            {
                int end = seed.IndexOf('.', i);
                int zeros = int.Parse(seed.AsSpan(i + 1, end - i - 1), CultureInfo.InvariantCulture);
                choices.Slice(count, zeros).Clear();
                count += zeros;
                i = end;
            }
            else
            {
                choices[count++] = (byte)(seed[i] <= '9' ? seed[i] - '0' : seed[i] - 'A' + 10);
            }
        }

        return count;
    }
}
