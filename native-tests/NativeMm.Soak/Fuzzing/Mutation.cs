using System.Globalization;
using System.Text;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>Makes damaged copies of good samples. It knows of bytes, numbers and pieces, and not of how the reader goes through them.</summary>
internal static class Mutation
{
    private const int MutationsMax = 6;
    private const int PieceMax = 40;

    private static readonly string[] s_numbers =
        ["0", "-1", "1", "2147483648", "4294967296", "9223372036854771712", "18446744073709551615", "99999999999999999999999", "1e400", "", "max", "NaN", " 7", "0x10"];

    private static readonly byte[] s_bytes = [0, 1, 0x7f, 0x80, 0xff, (byte)' ', (byte)'\n', (byte)':', (byte)',', (byte)'-', (byte)'/', (byte)'"', (byte)'{', (byte)'\\'];

    /// <summary>A copy with one to six mistakes.</summary>
    public static byte[] Of(ReadOnlySpan<byte> sample, Chance chance)
    {
        var bytes = new List<byte>(sample.Length + PieceMax);
        bytes.AddRange(sample);
        for (int count = chance.Between(1, MutationsMax); count > 0; count--)
        {
            Change(bytes, chance);
        }

        return [.. bytes];
    }

    /// <summary>The same for a text; what is no UTF-8 becomes a replacement character.</summary>
    public static string Of(string sample, Chance chance) => Encoding.UTF8.GetString(Of(Encoding.UTF8.GetBytes(sample), chance));

    private static void Change(List<byte> bytes, Chance chance)
    {
        int at = chance.Below(bytes.Count + 1);
        int piece = int.Min(chance.Between(1, PieceMax), bytes.Count - at);
        switch (chance.Below(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << chance.Below(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = s_bytes[chance.Below(s_bytes.Length)];
                break;
            case 2:
                bytes.Insert(at, s_bytes[chance.Below(s_bytes.Length)]);
                break;
            case 3:
                bytes.RemoveRange(at, piece);
                break;
            case 4:
                bytes.InsertRange(chance.Below(bytes.Count + 1), bytes.GetRange(at, piece));
                break;
            case 5 when chance.OneIn(4):
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6 when at < bytes.Count:
                bytes[at] = (byte)chance.Next();
                break;
            default:
                ChangeNumber(bytes, at, chance);
                break;
        }
    }

    private static void ChangeNumber(List<byte> bytes, int at, Chance chance)
    {
        int first = bytes.FindIndex(at, static b => char.IsAsciiDigit((char)b));
        if (first < 0)
        {
            return;
        }

        int end = bytes.FindIndex(first, static b => !char.IsAsciiDigit((char)b));
        bytes.RemoveRange(first, (end < 0 ? bytes.Count : end) - first);
        string number = chance.OneIn(4) ? chance.Next().ToString(CultureInfo.InvariantCulture) : s_numbers[chance.Below(s_numbers.Length)];
        bytes.InsertRange(first, Encoding.ASCII.GetBytes(number));
    }
}
