//! Windows, budgets and drifts, without a server.

use chrono::TimeDelta;

use super::*;

/// The begin of a three-minute window, and so of a step.
fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn code(device: &Device, offset: i64) -> String {
    device.code(device.step_at(noon()) + offset).unwrap()
}

#[test]
fn codes_are_good_two_steps_either_way() {
    let device = Device::new("GAHT12345678");
    for (offset, good) in [
        (-3, false),
        (-2, true),
        (-1, true),
        (0, true),
        (1, true),
        (2, true),
        (3, false),
    ] {
        let mut verifications = Verifications::default();
        let result = verifications.verify(&device, &code(&device, offset), noon());
        assert_eq!(result.is_ok(), good, "{offset}");
    }
}

#[test]
fn a_code_works_once_and_leaves_the_others_alone() {
    let device = Device::new("GAHT12345678");
    let mut verifications = Verifications::default();
    for (offset, good) in [(0, true), (0, false), (-1, true), (1, true), (-1, false)] {
        let result = verifications.verify(&device, &code(&device, offset), noon());
        let expected = if good {
            Ok(())
        } else {
            Err(AwsError::invalid_code())
        };
        assert_eq!(result, expected, "{offset}");
    }
}

#[test]
fn the_tenth_try_in_three_minutes_locks_the_device_out() {
    let (device, other) = (Device::new("GAHT12345678"), Device::new("GAHT87654321"));
    let mut verifications = Verifications::default();
    verifications
        .verify(&device, &code(&device, 0), noon())
        .unwrap();
    for _ in 0..8 {
        let result = verifications.verify(&device, "wrong", noon());
        assert_eq!(result, Err(AwsError::invalid_code()));
    }
    let late = noon() + TimeDelta::seconds(59);
    for _ in 0..2 {
        let result = verifications.verify(&device, &code(&device, 1), late);
        assert_eq!(result, Err(AwsError::unable_to_validate_code()));
    }
    verifications
        .verify(&other, &code(&other, 0), noon())
        .unwrap();

    let next_window = noon() + TimeDelta::minutes(3);
    let result = verifications.verify(&device, &code(&device, 6), next_window);
    assert_eq!(result, Ok(()));
}

fn pair(device: &Device, offset: i64) -> [String; 2] {
    [code(device, offset), code(device, offset + 1)]
}

fn texts(pair: &[String; 2]) -> [&str; 2] {
    pair.each_ref().map(String::as_str)
}

#[test]
fn a_device_is_enabled_by_two_codes_in_a_row_from_the_window() {
    let device = Device::new("GAHT12345678");
    let enable = |pair: &[String; 2]| {
        let mut verifications = Verifications::default();
        verifications.enable(&device, texts(pair), noon())
    };
    for (offset, good) in [(-3, false), (-2, true), (0, true), (1, true), (2, false)] {
        assert_eq!(enable(&pair(&device, offset)).is_ok(), good, "{offset}");
    }
    let mut backwards = pair(&device, 0);
    backwards.reverse();
    let same = [code(&device, 0), code(&device, 0)];
    let gap = [code(&device, -1), code(&device, 1)];
    for pair in [backwards, same, gap] {
        assert_eq!(enable(&pair), Err(AwsError::invalid_authentication_code()));
    }
}

#[test]
fn a_device_that_is_out_of_step_can_be_resynchronised() {
    for (drift, good) in [
        (-21, false),
        (-20, true),
        (-3, true),
        (10, true),
        (19, true),
        (20, false),
    ] {
        let device = Device::new("GAHT12345678").drifted(drift);
        let mut verifications = Verifications::default();
        let result = verifications.verify(&device, &code(&device, 0), noon());
        assert_eq!(result, Err(AwsError::invalid_code()));
        // Both codes have to be in the range.
        let codes = pair(&device, 0);
        let result = verifications.resync(&device, texts(&codes), noon());
        assert_eq!(result.is_ok(), good, "{drift}");
        for offset in [-1, 2] {
            let result = verifications.verify(&device, &code(&device, offset), noon());
            assert_eq!(result.is_ok(), good, "{drift}");
        }
    }
}

#[test]
fn codes_that_synchronise_are_spent_and_synchronise_once() {
    let device = Device::new("GAHT12345678");
    let mut verifications = Verifications::default();
    let codes = pair(&device, -1);
    let invalid = Err(AwsError::invalid_authentication_code());
    assert_eq!(verifications.enable(&device, texts(&codes), noon()), Ok(()));
    assert_eq!(
        verifications.enable(&device, texts(&codes), noon()),
        invalid
    );
    let overlapping = pair(&device, 0);
    assert_eq!(
        verifications.resync(&device, texts(&overlapping), noon()),
        invalid
    );
    for code in codes {
        let result = verifications.verify(&device, &code, noon());
        assert_eq!(result, Err(AwsError::invalid_code()));
    }
    // What another seed does under the same serial number is another matter, tries apart.
    verifications.forget(&device.serial);
    for _ in 0..4 {
        let result = verifications.verify(&device, "wrong", noon());
        assert_eq!(result, Err(AwsError::invalid_code()));
    }
    assert_eq!(
        verifications.verify(&device, &code(&device, 0), noon()),
        Err(AwsError::unable_to_validate_code())
    );
    assert_eq!(
        verifications.resync(&device, texts(&overlapping), noon()),
        invalid
    );
}

#[test]
fn a_device_that_was_just_enabled_may_not_be_seen_yet() {
    let device = Device::new("GAHT12345678");
    let mut verifications = Verifications {
        seen_after: 10,
        ..Verifications::default()
    };
    let codes = pair(&device, -1);
    verifications
        .enable(&device, texts(&codes), noon())
        .unwrap();
    let code = code(&device, 1);
    for _ in 0..10 {
        assert_eq!(
            verifications.verify(&device, &code, noon()),
            Err(AwsError::unable_to_validate_code())
        );
    }
    assert_eq!(verifications.verify(&device, &code, noon()), Ok(()));
}
