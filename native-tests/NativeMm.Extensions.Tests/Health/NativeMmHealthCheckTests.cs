using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.Health;

public sealed class NativeMmHealthCheckTests
{
    private long _resident = 100;

    [Theory]
    [InlineData(500, HealthStatus.Healthy)]
    [InlineData(849, HealthStatus.Healthy)]
    [InlineData(850, HealthStatus.Degraded)]
    [InlineData(949, HealthStatus.Degraded)]
    [InlineData(950, HealthStatus.Unhealthy)]
    public async Task Share_of_the_limit_decides(long resident, HealthStatus expected)
    {
        await using ServiceProvider services = Build(options => options.UnhealthyFaults = null);
        _resident = resident;
        HealthReportEntry entry = await CheckAsync(services);
        Assert.Equal(expected, entry.Status);
        Assert.Equal(resident, entry.Data["resident_bytes"]);
        Assert.Equal(1000L, entry.Data["limit_bytes"]);
    }

    [Theory]
    [InlineData(500, "50 % of the limit is in use")]
    [InlineData(900, "90 % of the limit is in use: 900 B of 1000 B")]
    public async Task What_is_said_is_the_same_in_every_culture(long resident, string expected)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = OtherPercent();
        try
        {
            await using ServiceProvider services = Build(options => options.UnhealthyFaults = null);
            _resident = resident;
            Assert.Equal(expected, (await CheckAsync(services)).Description);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Budget_running_or_not_the_limit_is_the_containers(bool hasBudget)
    {
        await using ServiceProvider services = Build(
            options => options.UnhealthyFaults = null, options => options.TotalMemoryLimit = hasBudget ? MemoryLimit.FromBytes(256 << 20) : null);
        HealthReportEntry entry = await CheckAsync(services);
        Assert.Equal(HealthStatus.Healthy, entry.Status);
        Assert.Equal(1000L, entry.Data["limit_bytes"]);
    }

    [Fact]
    public async Task Failed_allocations_count_since_the_check_before()
    {
        await using ServiceProvider services = Build(options => (options.UnhealthyFaults, options.UnhealthyFailedAllocations) = (null, 3));
        await CheckAsync(services);
        Fail(services, 1);
        HealthReportEntry entry = await CheckAsync(services);
        Assert.Equal(HealthStatus.Degraded, entry.Status);
        Assert.Contains("1 allocations failed", entry.Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(services)).Status);
        Fail(services, 3);
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(services)).Status);
    }

    [Fact]
    public async Task Validation_of_a_sound_runtime_passes()
    {
        await using ServiceProvider services = Build(options => (options.UnhealthyFaults, options.DegradedFailedAllocations, options.Validate) = (null, null, true));
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(services)).Status);
    }

    /// <summary>Tests of services make several containers of one collection.</summary>
    [Fact]
    public async Task Containers_of_the_same_services_have_a_check_each()
    {
        ServiceCollection services = Services(options => (options.UnhealthyFaults, options.Validate) = (null, true));
        await using ServiceProvider second = services.BuildServiceProvider();
        await using (ServiceProvider first = services.BuildServiceProvider())
        {
            Assert.Equal(HealthStatus.Healthy, (await CheckAsync(first)).Status);
        }

        HealthReportEntry entry = await CheckAsync(second);
        Assert.Null(entry.Exception);
        Assert.Equal(HealthStatus.Healthy, entry.Status);
    }

    [Theory]
    [InlineData(1.0, 1.0, 999, HealthStatus.Healthy)]
    [InlineData(1.0, 1.0, 1000, HealthStatus.Unhealthy)]
    [InlineData(1.0, 1.0, 5000, HealthStatus.Unhealthy)]
    [InlineData(1.0, null, 5000, HealthStatus.Degraded)]
    [InlineData(null, 1e-300, 0, HealthStatus.Healthy)]
    [InlineData(null, 1e-300, 1, HealthStatus.Unhealthy)]
    [InlineData(null, null, 5000, HealthStatus.Healthy)]
    public async Task Thresholds_at_the_ends_of_their_range(double? degraded, double? unhealthy, long resident, HealthStatus expected)
    {
        await using ServiceProvider services = Build(
            options => (options.UnhealthyFaults, options.DegradedShare, options.UnhealthyShare) = (null, degraded, unhealthy));
        _resident = resident;
        Assert.Equal(expected, (await CheckAsync(services)).Status);
    }

    [Theory]
    [InlineData(0, null, "DegradedShare is 0; it must be above 0 and up to 1.")]
    [InlineData(0.5, 1.5, "UnhealthyShare is 1.5; it must be above 0 and up to 1.")]
    [InlineData(-0.5, null, "DegradedShare is -0.5; it must be above 0 and up to 1.")]
    [InlineData(double.NaN, null, "DegradedShare is NaN; it must be above 0 and up to 1.")]
    [InlineData(0.5, double.PositiveInfinity, "UnhealthyShare is Infinity; it must be above 0 and up to 1.")]
    [InlineData(0.9, 0.8, "UnhealthyShare is 0.8; it must be DegradedShare, 0.9, or more.")]
    public void Wrong_threshold_is_refused_by_name_value_and_range(double degraded, double? unhealthy, string message)
    {
        OptionsValidationException thrown = Assert.Throws<OptionsValidationException>(() =>
            new ServiceCollection().AddHealthChecks().AddNativeMm(options => (options.DegradedShare, options.UnhealthyShare) = (degraded, unhealthy)));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
    }

    private static CultureInfo OtherPercent()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.PercentSymbol = "pct";
        return culture;
    }

    private static unsafe void Fail(ServiceProvider services, int times)
    {
        for (int i = 0; i < times; i++)
        {
            Assert.Throws<OutOfMemoryException>(() => { services.GetRequiredService<MemoryRuntime>().Heap.Alloc(nuint.MaxValue / 2); });
        }
    }

    private static async Task<HealthReportEntry> CheckAsync(ServiceProvider services) =>
        (await services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["nativemm"];

    private ServiceProvider Build(Action<NativeMmHealthCheckOptions> configure, Action<NativeMmOptions>? more = null) =>
        Services(configure, more).BuildServiceProvider();

    private ServiceCollection Services(Action<NativeMmHealthCheckOptions> configure, Action<NativeMmOptions>? more = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(new ProcessLimit(1000) { ReadResident = () => _resident });
        services.AddNativeMm(options => options.CapacityBytes = 64 << 20);
        services.AddNativeMm(more);
        services.AddHealthChecks().AddNativeMm(configure);
        return services;
    }
}
