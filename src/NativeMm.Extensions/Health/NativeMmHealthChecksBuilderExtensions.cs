using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using NativeMm.Extensions;
using NativeMm.Runtime;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Health checks of NativeMm.</summary>
public static class NativeMmHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a check of how close the process is to its limit, of failed allocations and of mistakes with memory. Needs <c>services.AddNativeMm()</c>.
    /// </summary>
    /// <param name="builder">The health checks.</param>
    /// <param name="configure">Changes the thresholds.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="failureStatus">What is reported instead of unhealthy; null for unhealthy.</param>
    /// <param name="tags">The check's tags.</param>
    /// <returns>The same builder, for further checks.</returns>
    /// <exception cref="OptionsValidationException">A threshold is out of its range; the message names it, its value and the range.</exception>
    /// <exception cref="ArgumentNullException">The builder is null.</exception>
    public static IHealthChecksBuilder AddNativeMm(
        this IHealthChecksBuilder builder,
        Action<NativeMmHealthCheckOptions>? configure = null,
        string name = "nativemm",
        HealthStatus? failureStatus = null,
        IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var options = new NativeMmHealthCheckOptions();
        configure?.Invoke(options);
        string[] complaints = [.. options.Complaints()];
        if (complaints.Length != 0)
        {
            throw new OptionsValidationException(name, typeof(NativeMmHealthCheckOptions), complaints);
        }

        // One check for all times of a container: it remembers what it saw the time before. Not of the registration, which several containers may be made of.
        var key = new object();
        builder.Services.AddKeyedSingleton(
            key, (services, _) => new NativeMmHealthCheck(services.GetRequiredService<MemoryRuntime>(), services.GetRequiredService<ProcessLimit>(), options));
        return builder.Add(new HealthCheckRegistration(
            name, services => services.GetRequiredKeyedService<NativeMmHealthCheck>(key), failureStatus, tags));
    }
}
