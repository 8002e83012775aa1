using NativeMm.Lab.Harness;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class InterruptTableTests
{
    private const string Text = """
                   CPU0       CPU1       CPU2
          1:          9          0          0   IO-APIC   1-edge      i8042
        NMI:          0          1          2   Non-maskable interrupts
        TLB:     163975     153118          7   TLB shootdowns 55
        ERR:          3
        MIS:  none
        """;

    [Theory]
    [InlineData("TLB", 163975UL + 153118 + 7)]
    [InlineData("NMI", 3UL)]
    [InlineData("1", 9UL)]
    [InlineData("ERR", 3UL)]
    public void A_row_is_summed_over_the_cores_and_its_words_are_left_alone(string row, ulong sum) =>
        Assert.Equal(sum, InterruptTable.Sum(Text, row));

    [Theory]
    [InlineData("TLBX")]
    [InlineData("MIS")]
    [InlineData("CPU0")]
    public void A_row_that_is_missing_or_holds_no_count_gives_nothing(string row) => Assert.Null(InterruptTable.Sum(Text, row));

    [Fact]
    public void A_number_in_the_words_behind_the_last_core_is_no_count() =>
        Assert.Equal(5UL, InterruptTable.Sum("  CPU0\n 24:   5   400 some device", "24"));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("TLB: 1 2 TLB shootdowns")]
    public void Text_without_rows_gives_nothing(string? text) => Assert.Null(InterruptTable.Sum(text, "TLB"));
}
